"""A real browser for tests: headless Chromium, spoken to through a pipe.

The DevTools protocol over ``--remote-debugging-pipe`` needs nothing but the browser: no driver of
a matching version, no package, no port that something else could hold or listen to.
"""

import json
import os
import select
import shutil
import signal
import time
from contextlib import suppress
from functools import partial

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=IsolateSandboxedIframes",
    "--no-first-run",
    "--hide-scrollbars",
    # Nothing gets out, whatever a page tries.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
# Seconds for one answer: nothing waits that long but where a machine has much else to do.
PATIENCE = 300.0
KEYS = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), " ": ("Space", 32, " ")}


def find_chromium():
    """Path of the browser, or None."""
    paths = [os.environ.get("SKMTL_CHROMIUM"), *map(shutil.which, NAMES)]
    return next((path for path in paths if path), None)


def start_chromium(path, new_profile, n_tries=2):
    """A browser that answers; another try with a fresh profile where one does not come up."""
    browser = Chromium(path, new_profile())
    try:
        browser.call("Browser.getVersion")
    except (OSError, RuntimeError, TimeoutError):
        browser.close()
        if n_tries == 1:
            raise
        return start_chromium(path, new_profile, n_tries - 1)
    return browser


class Chromium:
    """A running browser; commands and answers are JSON, each ended by a zero byte."""

    def __init__(self, path, profile):
        # The browser reads from descriptor 3 and writes to 4; ours must not be in the way.
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()
        self._pid = os.posix_spawn(
            path,
            [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": str(profile)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._n_sent, self._rest, self.events = 0, b"", []

    def call(self, method, session=None, **parameters):
        """Send a command and wait for its answer; events that come meanwhile are kept."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        answer = self.wait(lambda found: found.get("id") == message["id"], method)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, is_wanted, what):
        """The first message that is wanted; all others are kept as events."""
        end = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._rest:
                text, self._rest = self._rest.split(b"\0", 1)
                message = json.loads(text)
                if is_wanted(message):
                    return message
                self.events.append(message)
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0.0))[0]:
                raise TimeoutError(f"Chromium gave no answer to {what} in {PATIENCE:g} seconds")
            read = os.read(self._in, 1 << 20)
            if not read:
                raise RuntimeError(f"Chromium ended before it answered {what}")
            self._rest += read

    def close(self):
        """End the browser and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)


class Page:
    """One page in the browser, with what it asked of the network and said on the console."""

    def __init__(self, browser, *, width=1200, height=900, scheme="light", script=True):
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.resize(width, height)
        self.prefer(scheme)

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def open(self, path):
        """Load a file and wait until it is complete."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._browser.wait(
            lambda m: m.get("method") == "Page.loadEventFired" and m["sessionId"] == self._session,
            "Page.navigate",
        )
        return self

    def resize(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme, media="screen"):
        """Set prefers-color-scheme, and the medium."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def run(self, expression, context=None):
        """Value of a JavaScript expression, in the page or one of its frames."""
        where = {} if context is None else {"contextId": context}
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, **where)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def click(self, selector):
        """Press and release the mouse in the middle of an element, once it is at rest."""
        middle = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2];"
            "})()"
        )
        # The page scrolls smoothly: what an earlier click has set going may not be over yet.
        seen = [self.run(middle)]
        end = time.monotonic() + PATIENCE
        while len(seen) < 4 or len(set(map(tuple, seen[-4:]))) > 1:
            if time.monotonic() > end:
                raise TimeoutError(f"{selector} does not come to rest in {PATIENCE:g} seconds")
            time.sleep(0.05)
            seen.append(self.run(middle))
        x, y = seen[-1]
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key):
        """Press and release a key."""
        code, number, text = KEYS[key]
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        typed = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def frames(self):
        """For each frame inside the page a function that runs JavaScript there."""
        tree = self.call("Page.getFrameTree")["frameTree"].get("childFrames", [])
        inside = [child["frame"]["id"] for child in tree]
        self.wait_until(lambda: set(inside) <= set(self._contexts))
        return [partial(self.run, context=self._contexts[frame]) for frame in inside]

    @property
    def _contexts(self):
        """Latest place of each frame to run JavaScript in."""
        contexts = [event["context"] for event in self._events("Runtime.executionContextCreated")]
        return {context["auxData"]["frameId"]: context["id"] for context in contexts}

    def wait_until(self, is_so):
        """Until a function says so; what the page says meanwhile is read."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > end:
                raise TimeoutError(f"not so in {PATIENCE:g} seconds")
            time.sleep(0.02)
            self.run("0")

    def becomes(self, expression, value):
        """Wait until an expression has a value: the page may come to an event later."""
        end = time.monotonic() + PATIENCE
        while (found := self.run(expression)) != value:
            if time.monotonic() > end:
                raise TimeoutError(f"{expression} is {found!r}, not {value!r}")
            time.sleep(0.02)

    def _events(self, method):
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    @property
    def requests(self):
        """Addresses that were asked for."""
        return [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    @property
    def complaints(self):
        """Errors and warnings: exceptions, console, and what the browser logs itself."""
        said = [e for e in self._events("Log.entryAdded") if e["entry"]["level"] != "verbose"]
        said += self._events("Runtime.exceptionThrown")
        return said + self._events("Runtime.consoleAPICalled")


def _pipe():
    """Both ends of a pipe, with descriptors above those that a child expects."""
    import fcntl  # Where it is missing there is no pipe to a browser either.

    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high
