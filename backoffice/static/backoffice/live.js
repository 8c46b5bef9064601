/* Parts of a page that follow the work: `data-live` is looked at again after so many seconds, `data-load` is loaded once. */
"use strict";
{
    const fetched = async (url) => {
        const answer = await fetch(url, {headers: {Accept: "text/html"}}).catch(() => null);
        if (!answer || !answer.ok || answer.redirected) return null;
        return new DOMParser().parseFromString(await answer.text(), "text/html");
    };

    const follow = (part) => {
        if (!part.dataset.live) return;
        setTimeout(async () => {
            const page = document.hidden ? null : await fetched(location.href);
            const now = page && page.getElementById(part.id);
            if (now && now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
            if (now) part.dataset.live = now.dataset.live || "";
            follow(part);
        }, 1000 * Number(part.dataset.live));
    };

    const load = async (part) => {
        const page = await fetched(part.dataset.load);
        const now = page && page.getElementById(part.id);
        if (now) part.replaceChildren(...now.childNodes);
    };

    document.querySelectorAll("[data-live]").forEach(follow);
    document.querySelectorAll("[data-load]").forEach(load);
}
