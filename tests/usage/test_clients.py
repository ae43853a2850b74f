"""The names of clients: tools by their `User-Agent`, networks by their address."""

from __future__ import annotations

import pytest

from app.usage.clients import OTHER, TOOLS, network_of, source_of, tool_of

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "tool"),
    [
        ("claude-cli/2.0.31 (external, cli)", "Claude Code"),
        ("claude-code/1.0.33", "Claude Code"),
        ("Claude-User (claude-code/2.1.0; +https://support.example.com)", "Claude Code"),
        ("Claude-User/1.0", "Claude"),
        (f"{BROWSER} Cursor/1.7.28 Chrome/138.0.7204.251 Electron/37.7.0 Safari/537.36", "Cursor"),
        ("cursor-agent/2026.01", "Cursor"),
        ("vibexp-cli/1.4.0 node/22", "VibeXP CLI"),
        ("VibeXP/2.0", "VibeXP CLI"),
        ("vibekeys/0.1.0", "vibekeys"),
        ("github-actions", "GitHub Actions"),
        ("GitHub-Actions/1.0 curl/8.5.0", "GitHub Actions"),
        ("GitHubCopilotChat/0.29", "GitHub Copilot"),
        ("codex_cli_rs/0.46.0 (Ubuntu 24.4.0; x86_64)", "Codex"),
        ("GeminiCLI/0.8.2 (linux; x64)", "Gemini CLI"),
        (f"{BROWSER} Code/1.105.0 Chrome/138.0.7204.251 Electron/37.6.0 Safari/537.36", "VS Code"),
        ("curl/8.5.0", "curl"),
        ("Wget/1.21.4", "Wget"),
        ("HTTPie/3.2.2", "HTTPie"),
        ("python-requests/2.32.3", "python-requests"),
        ("python-httpx/0.28.1", "httpx"),
        ("Python/3.11 aiohttp/3.10.5", "aiohttp"),
        ("python-urllib3/2.2.2", "urllib3"),
        ("Python-urllib/3.11", "urllib"),
        ("axios/1.7.7", "axios"),
        ("undici", "undici"),
        ("node-fetch/1.0 (+https://github.example.com/node-fetch)", "node-fetch"),
        ("node", "Node.js"),
        ("Bun/1.1.29", "Bun"),
        ("Deno/1.46.3", "Deno"),
        ("Go-http-client/2.0", "Go"),
        ("okhttp/4.12.0", "OkHttp"),
        ("Java-http-client/17.0.11", "Java"),
        ("Java/1.8.0_392", "Java"),
        ("Apache-HttpClient/4.5.14 (Java/17.0.11)", "Apache HttpClient"),
        ("GuzzleHttp/7", "Guzzle"),
        ("PHP/8.3.6", "PHP"),
        ("Ruby", "Ruby"),
        ("reqwest/0.12.7", "Rust"),
        ("PostmanRuntime/7.42.0", "Postman"),
        ("insomnia/10.0.0", "Insomnia"),
        ("Mozilla/5.0 (Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621", "PowerShell"),
        (f"{BROWSER} Chrome/131.0.0.0 Safari/537.36", "Chrome"),
        (f"{BROWSER} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge"),
        (f"{BROWSER} Chrome/131.0.0.0 Safari/537.36 OPR/115.0.0.0", "Opera"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox"),
        (f"{BROWSER} Version/18.1 Safari/605.1.15", "Safari"),
        ("", OTHER),
        ("something new", OTHER),
        ("excursion/1.0", OTHER),
        ("x" * 10_000 + "curl/8.5.0", OTHER),
    ],
)
def test_a_tool_is_told_by_its_name(user_agent: str, tool: str) -> None:
    assert tool_of(user_agent) == tool
    assert tool_of(user_agent.upper()) == tool
    assert tool in TOOLS


@pytest.mark.parametrize(
    ("address", "network", "source"),
    [
        ("192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
        ("::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/48", "fe80::/64"),
        ("", OTHER, OTHER),
        ("/run/vibekeys.sock", OTHER, OTHER),
    ],
)
def test_a_client_is_told_by_its_network(address: str, network: str, source: str) -> None:
    assert (network_of(address), source_of(address)) == (network, source)
