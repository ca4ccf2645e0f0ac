// On a phone the sections are one row that scrolls: the one that is shown must be in sight.
document.querySelector(".adm__nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
