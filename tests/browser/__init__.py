"""Pages as people meet them: in a real Chromium, from a running service.

A test takes `page` and `dashboard`, opens `dashboard.url` and what is below it, and asserts what is to be
seen. Whatever goes wrong meanwhile in the browser fails the test by itself: an error in the console, a script
that breaks, a file that does not load, a request to anybody else. `axe(page)` checks the page's accessibility
and that nothing runs out of it at its side; `@each_look` runs a test in light and dark, on a phone and on a
desktop.

`python -m tests.browser.chromium` sees to it that there is a Chromium; `python -m tests.browser.screenshots`
makes the pictures in `docs/screenshots/`.
"""
