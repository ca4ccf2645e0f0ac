// Says that all files come as one ZIP, once it is asked for: browsers show a download in many ways, or hardly.
for (const link of document.querySelectorAll("a[data-starts]")) {
  const status = document.getElementById(link.dataset.starts);
  link.addEventListener("click", () => (status.textContent = status.dataset.words));
}
