// Moves the focus to the summary of what went wrong, so that it is read first and the keyboard starts there.
document.getElementById("errors")?.focus();
