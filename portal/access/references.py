"""Short references like KITE-27, the same on the page and in the mail, so that a person can match the two."""

from __future__ import annotations

import secrets

_LIST = """
    acorn almond amber anchor apple apricot apron arrow artist aspen atlas autumn avocado badge bagel baker bamboo
    banana barn basil basket beacon beaver bell berry birch bird biscuit blanket blossom boat book bottle bowl
    branch bread breeze bridge brook bubble bucket button cabin cactus camel camera candle canoe canvas carpet
    carrot castle cedar celery chair cherry chess chestnut cinnamon circle clay clock cloud clover cocoa coconut
    comet compass copper coral cottage cotton cricket crocus crystal cupboard daisy desert diamond dolphin donkey
    eagle easel elm falcon farmer feather fern fiddle field finch fjord flag flamingo flute forest fountain fox
    galaxy garden garlic gate ginger giraffe glacier globe goose granite grape guitar hammock harbour harp harvest
    hazel heather hedge heron hill honey horizon igloo iris island ivory ivy jacket jasmine jigsaw jungle kayak
    kettle kite kitten koala ladder lagoon lake lantern laurel lavender lemon library lilac lily lime linen lizard
    llama lotus magnet mango maple marble meadow melon mirror monkey moss mountain mustard napkin nectar nest
    notebook nutmeg oak oasis oatmeal ocean olive onion opal orange orbit orchid otter owl paddle painter palm panda
    papaya parrot parsley peach pear pebble pelican pencil penguin pepper piano picnic pillow pine planet plum pony
    poppy potato prairie puffin pumpkin puzzle quartz quilt rabbit radish rainbow ribbon river robin rocket rose
    saddle saffron sailor salmon sandal saturn seagull shell sparrow spinach spoon spring squirrel star summer
    sunset swan teapot thimble thistle timber tomato trumpet tulip tunnel turnip turtle umbrella valley vanilla
    velvet village violin waffle wagon walnut water whale willow window winter wizard yogurt zebra
"""
WORDS = tuple(_LIST.split())


def new() -> str:
    """A fresh reference: a word and two digits. It need not be secret, nor unique over all time."""
    return f"{secrets.choice(WORDS).upper()}-{secrets.randbelow(90) + 10}"
