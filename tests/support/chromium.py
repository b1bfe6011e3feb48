"""A real browser for the tests: a page opened in headless Chromium, driven over a pipe by its DevTools protocol.

Nothing but Debian's `chromium` is needed (FUNNELSIM_CHROMIUM names another binary). https://chromedevtools.github.io
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 30.0  # seconds for an answer, on a busy machine
ALARMS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


def binary() -> str:
    """The browser; where there is none the test is skipped, but in CI it fails."""
    wanted = os.environ.get("FUNNELSIM_CHROMIUM", "chromium")
    program = shutil.which(wanted)
    if program is None:
        said = f"no {wanted} here: apt-get install chromium"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(said)
        pytest.skip(said)
    return program


class Browser:
    """One tab; `messages` are all events that came."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._rest, self._number, self._session = b"", 0, ""
        self.messages: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and what it gives."""
        self._number += 1
        sent = {"id": self._number, "method": method, "params": params}
        if self._session:
            sent["sessionId"] = self._session
        os.write(self._to, json.dumps(sent).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self.messages.append(message)

    def open(self, page: Path, width: int = 1280, height: int = 900) -> None:
        """A file, shown in a window of this size, once it is loaded."""
        self.messages.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(one.get("method") == "Page.loadEventFired" for one in self.messages):
            self.messages.append(self._next())

    def value(self, expression: str) -> Any:
        """What an expression gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    @property
    def alarms(self) -> list[str]:
        """What the page and the browser complained of."""
        self.call("Runtime.evaluate", expression="0")  # whatever was said so far has come
        return [json.dumps(one["params"]) for one in self.messages if one.get("method") in ALARMS]

    @property
    def fetched(self) -> list[str]:
        """Addresses that the page asked for, its own among them; data in the page itself is none."""
        return [
            one["params"]["request"]["url"]
            for one in self.messages
            if one.get("method") == "Network.requestWillBeSent"
            and not one["params"]["request"]["url"].startswith("data:")
        ]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            self._rest += os.read(self._from, 1 << 20)
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own, gone afterwards."""
    program = binary()
    their_in, to_browser = os.pipe()
    from_browser, their_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # the protocol reads from file 3 and writes to file 4
        process = subprocess.Popen(
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{their_in} 4>&{their_out}',
                "browser",
                program,
                *FLAGS,
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        try:
            yield Browser(to_browser, from_browser)
        finally:
            process.terminate()
            process.wait()
            os.close(to_browser)
            os.close(from_browser)
