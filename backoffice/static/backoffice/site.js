/* What pages do in the browser. Without it they lose the numbers in the menu, the ages of times and the labels of cards. */
"use strict";
{
    const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)(:\d\d)? UTC$/;
    const REFRESH = 15000;

    /* As backoffice/text.py has it. */
    const duration = (seconds) => {
        const plural = (count, unit) => `${count} ${unit}`;
        seconds = Math.max(0, Math.floor(seconds));
        if (seconds < 60) return plural(seconds, "s");
        if (seconds < 3600) return plural(Math.floor(seconds / 60), "min");
        if (seconds < 2 * 86400) return plural(Math.floor(seconds / 3600), "h");
        return plural(Math.floor(seconds / 86400), "days");
    };

    const age = (moment) => {
        const seconds = (Date.now() - moment.getTime()) / 1000;
        return seconds < 0 ? `in ${duration(-seconds)}` : `${duration(seconds)} ago`;
    };

    const showAges = () => {
        for (const cell of document.querySelectorAll("#result_list td, #result_list th, .readonly")) {
            const text = cell.innerText.trim();
            const found = TIME.exec(text);
            if (!found || cell.querySelector(".age")) continue;
            const note = document.createElement("span");
            note.className = "age";
            note.textContent = age(new Date(`${found[1]}T${found[2]}${found[3] || ""}Z`));
            (cell.querySelector("a") || cell).append(" ", note);
        }
        for (const time of document.querySelectorAll("time[data-age]")) {
            const at = new Date(time.dateTime);
            time.textContent = time.dataset.age === "coming" && at <= new Date() ? "due" : age(at);
        }
    };

    /* A narrow page shows a row as a card: each cell with the title of its column. */
    const labelCells = () => {
        for (const table of document.querySelectorAll("table#result_list, table.cards")) {
            const titles = [...table.querySelectorAll("thead th")].map((cell) => (cell.querySelector(".text") || cell).innerText.trim());
            for (const row of table.tBodies[0]?.rows || []) {
                [...row.cells].forEach((cell, i) => {
                    cell.dataset.label = titles[i] || "";
                    cell.classList.toggle("blank", !cell.innerText.trim() && !cell.querySelector("input, img"));
                });
            }
        }
    };

    /* Addresses and names break at their parts where they have to, and not within a word. */
    const breakNames = () => {
        for (const cell of document.querySelectorAll("#result_list td, #result_list th, table.cards td, table.cards th")) {
            const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            const long = [];
            while (texts.nextNode()) if (/[^\s@.]{2}[@.][^\s@.]{2}/.test(texts.currentNode.data)) long.push(texts.currentNode);
            for (const text of long) {
                const parts = text.data.split(/(?<=\S@)|(?=\.\S)/);
                text.replaceWith(...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])));
            }
        }
    };

    /* select2 takes the name of a field from what is chosen, so an empty one has none. */
    const nameChoices = () => {
        for (const field of document.querySelectorAll("select.admin-autocomplete[id]")) {
            const name = document.querySelector(`label[for="${field.id}"]`)?.innerText.replace(/:$/, "");
            const shown = field.parentElement.querySelectorAll(".select2-selection, .select2-selection__rendered");
            for (const box of name ? shown : []) box.setAttribute("aria-label", name);
        }
    };

    /* What axe finds in Django's own widgets: signs whose name belongs to no role, and parts that only a mouse can scroll. */
    const mendWidgets = () => {
        for (const sign of document.querySelectorAll("span.help-tooltip[aria-label]")) sign.setAttribute("role", "img");
        for (const part of document.querySelectorAll(".inline-group")) {
            const reached = [...part.querySelectorAll("a, button, input, select, textarea")].some((one) => one.offsetParent);
            if (!reached) part.tabIndex = 0;
        }
    };

    const tick = () => {
        const clock = document.getElementById("clock");
        if (clock) clock.textContent = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
    };

    const showBadges = async (list) => {
        const answer = await fetch(list.dataset.badges, {headers: {Accept: "application/json"}}).catch(() => null);
        /* Who has signed out is redirected to the form for signing in. */
        if (!answer || !answer.ok || answer.redirected) return;
        const {badges} = await answer.json();
        for (const badge of list.querySelectorAll("[data-badge]")) {
            const {text, isUrgent, label} = badges[badge.dataset.badge] || {};
            badge.hidden = !text;
            badge.textContent = text || "";
            badge.title = label || "";
            badge.classList.toggle("urgent", Boolean(isUrgent));
        }
    };

    /* A green page must not stay green while nobody answers. Empty text: it is up to date again. */
    const tellStale = (text) => {
        document.getElementById("stale")?.remove();
        if (!text) return;
        const note = document.createElement("p");
        note.id = "stale";
        note.className = "errornote";
        note.setAttribute("role", "alert");
        note.textContent = `${text} What this page shows is no longer up to date.`;
        document.getElementById("content").prepend(note);
    };

    const whyStale = (answer) => {
        if (!answer || answer.status >= 500) return "The server does not answer.";
        return answer.redirected ? "You are signed out. Load the page again." : "";
    };

    /* A part of a page with `data-live="15"` is fetched again every 15 seconds, until it comes without that. */
    const live = (part) => {
        const seconds = Number(part.dataset.live);
        if (!seconds || !part.id) return;
        setTimeout(async () => {
            const answer = document.hidden ? null : await fetch(location.href).catch(() => null);
            if (!document.hidden) tellStale(whyStale(answer));
            const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
            const fresh = page?.getElementById(part.id);
            if (!fresh) return live(part);
            /* Replacing what somebody is using would take the focus and the selection away. */
            if (part.contains(document.activeElement)) return live(part);
            part.replaceWith(fresh);
            labelCells();
            showAges();
            breakNames();
            return live(fresh);
        }, seconds * 1000);
    };

    /* Browsers offer the clipboard only over HTTPS and on this machine. The old way works everywhere else. */
    const copy = async (text) => {
        if (navigator.clipboard) return navigator.clipboard.writeText(text);
        const field = document.createElement("textarea");
        field.value = text;
        document.body.append(field);
        field.select();
        document.execCommand("copy");
        field.remove();
    };

    const start = () => {
        labelCells();
        showAges();
        breakNames();
        tick();
        setInterval(() => { tick(); showAges(); }, 10000);
        const list = document.querySelector("#menu-entries[data-badges]");
        if (list) {
            showBadges(list);
            setInterval(() => document.hidden || showBadges(list), REFRESH);
        }
        document.querySelectorAll("[data-live]").forEach(live);
        const button = document.querySelector(".menu-button");
        if (button) {
            button.hidden = false;
            document.getElementById("menu").classList.add("folds");
            button.addEventListener("click", () => {
                const opens = button.getAttribute("aria-expanded") !== "true";
                button.setAttribute("aria-expanded", String(opens));
            });
        }
        /* One filter at a time, and none after a click elsewhere. */
        document.addEventListener("click", (event) => {
            for (const filter of document.querySelectorAll("details.filter[open]")) {
                if (!filter.contains(event.target)) filter.open = false;
            }
        });
        document.addEventListener("click", async (event) => {
            const button = event.target.closest("[data-copy]");
            if (!button) return;
            const source = document.getElementById(button.dataset.copy);
            await copy(source ? source.innerText : button.dataset.copy);
            const said = button.textContent;
            button.textContent = "Copied";
            setTimeout(() => { button.textContent = said; }, 2000);
        });
    };
    start();
    /* After Django's own, which makes the choices. */
    addEventListener("load", () => window.django?.jQuery?.(() => { nameChoices(); mendWidgets(); }));
}
