"""What mail may contain to run in the browser of whoever reads it. `RUN` is what it would run."""

from __future__ import annotations

RUN = "document.title='pwned'"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f'"><script>{RUN}</script>',
    f"'><img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"</pre></textarea></title></style><script>{RUN}</script>",
    f'" autofocus onfocus="{RUN}" x="',
    f'<a href="javascript:{RUN}" target="_top">click</a>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f'<meta http-equiv="refresh" content="0;url=javascript:{RUN}">',
    f'<form action="javascript:{RUN}"><button autofocus onfocus={RUN}>x</button></form>',
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={RUN}&gt;'>",
    f"&quot;&gt;&lt;script&gt;{RUN}&lt;/script&gt;",
    f'</iframe><script>{RUN}</script><iframe srcdoc="',
    f'<object data="data:text/html,<script>{RUN}</script>"></object><embed src="javascript:{RUN}">',
    f"<details open ontoggle={RUN}><summary>x</summary></details>",
    '<base href="https://evil.example/"><link rel="stylesheet" href="https://evil.example/x.css">',
    '<style>@import "https://evil.example/x.css"; body { background: url(https://evil.example/x.png) }</style>',
    '<img src="https://evil.example/pixel.png"><video poster="https://evil.example/p.png"></video>',
    "{{ 7|add:7 }}{% csrf_token %}{% include 'admin/base.html' %}",
    "invoice\u202efdp.exe\x00\x1b[31m",
]
