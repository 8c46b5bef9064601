"use strict";
// Reloading the page must not send the form again, which would make another secret.
const shown = document.getElementById("secret");
history.replaceState(null, "", shown.dataset.page);

document.querySelector("[data-copy=secret]").addEventListener("click", async () => {
    const status = document.querySelector("[data-copied=secret]");
    getSelection().selectAllChildren(shown);
    try {
        // Browsers offer it only over HTTPS and on localhost.
        await navigator.clipboard.writeText(shown.textContent);
        status.textContent = "Copied.";
    } catch {
        status.textContent = document.execCommand("copy") ? "Copied." : "Press Ctrl+C to copy it.";
    }
});
