// On a phone the sections, and the parts of a brand, are one row that scrolls: what is shown must be in sight.
for (const current of document.querySelectorAll(".adm__nav [aria-current], .parts [aria-current]")) {
  current.scrollIntoView({ block: "nearest", inline: "center" });
}
