"""A real server and a real Chromium to use its page with; what fails says what was to be seen."""

import json
import os
import re
import signal
import subprocess

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-device-scale-factor=1 --lang=en-GB"
).split()
# What the browser itself says of a server that is away; nothing of ours.
OF_THE_NETWORK = re.compile(r"net::ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE|NETWORK_CHANGED)")
# Of the pictures, those that are kept for the documents.
KEPT = {"overview", "overview-dark", "plan", "trial", "schedule", "update", "calendar", "calendar-month", "history", "backups", "restore", "audit", "overview-narrow"}


class Server:
    """A real `netlink serve`, at the same address in each of its lives."""

    # Where it is named, what is no update rests while this file is not there.
    go = None

    def __init__(self, netlink, root):
        self.netlink, self.root, self.address = netlink, root, "127.0.0.1:0"
        self.go = root / "go"
        self.start()

    def command(self):
        return [self.netlink, "--root", str(self.root), "serve", "--listen", self.address, "--grpc", "127.0.0.1:0"]

    def start(self):
        environment = dict(os.environ)
        if self.go:
            self.go.touch()
            environment["NETLINK_SEEDED_FAULT"] = "rests-when-taken"
        self.process = subprocess.Popen(self.command(), stderr=subprocess.PIPE, text=True, env=environment)
        said = ""
        for line in self.process.stderr:
            said += line
            found = re.search(r"listening at http://([0-9.:]+)", line)
            if found:
                self.address = found[1]
                return
        raise SystemExit(f"the server ended: {said}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


class Browser:
    def __init__(self, base, pictures, kept):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)
        self.base, self.pictures, self.kept = base, pictures, kept
        self.wide()
        self.scheme("light")

    # The window.

    def size(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def wide(self):
        self.size(1180, 860)

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    # What is there.

    def fail(self, what):
        path = self.pictures / "failed.png"
        try:
            self.driver.save_screenshot(str(path))
            text = self.driver.find_element(By.TAG_NAME, "body").text
        except WebDriverException as error:
            text = str(error)
        raise SystemExit(f"{what}; what was to be seen is in {path}:\n{text}\n{self.driver.get_log('browser')}")

    def scroll_to(self, text):
        """Puts the card with this heading at the top of the window."""
        script = """const found = [...document.querySelectorAll("main h2")].find((node) => node.innerText === arguments[0]);
            found.closest("section").scrollIntoView()"""
        self.driver.execute_script(script, text)

    def wait(self, what, condition):
        """Until it holds; nodes that are replaced meanwhile are looked for again."""
        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.1, ignored_exceptions=[StaleElementReferenceException])
        try:
            return waiting.until(lambda driver: condition())
        except TimeoutException:
            self.fail(f"waited {PATIENCE} s for: {what}")

    def text(self, css="main"):
        return self.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def see(self, text, css="main"):
        self.wait(f"`{text}` in {css}", lambda: text in self.text(css))

    def heading(self, text):
        self.wait(f"the heading `{text}`", lambda: text in self.text("h1"))

    def find(self, text, css="button, a, summary"):
        """The first one to be seen that says this, or is labelled so."""
        script = """const said = (node) => node.getAttribute("aria-label") ?? node.innerText.trim();
            const scope = document.querySelector("dialog[open]") ?? document;
            return [...scope.querySelectorAll(arguments[0])].find((node) => said(node).startsWith(arguments[1]) && node.checkVisibility())"""
        return self.wait(f"`{text}` to click at", lambda: self.driver.execute_script(script, css, text))

    def click(self, text, css="button, a, summary"):
        def clicked():
            found = self.find(text, css)
            # As a person would: out from below the bar on top.
            self.driver.execute_script("arguments[0].scrollIntoView({ block: 'nearest' })", found)
            found.click()
            return True

        self.wait(f"`{text}` to be clicked at", clicked)

    def go(self, view, heading):
        self.click(view, "nav a")
        self.heading(heading)

    # By keys alone.

    def press(self, *keys):
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, text):
        for _ in range(80):
            said = self.driver.execute_script(
                "const node = document.activeElement; return node.getAttribute('aria-label') ?? node.closest('label')?.innerText ?? node.innerText ?? ''"
            )
            if said.strip().startswith(text):
                return
            self.press(Keys.TAB)
        self.fail(f"no way to `{text}` with the Tab key")

    # What holds of every view.

    def accessible(self, name):
        found = Axe().run(self.driver)["violations"]
        if found:
            told = [{"rule": one["id"], "help": one["help"], "nodes": [[node["html"][:300], node["failureSummary"]] for node in one["nodes"]]} for one in found]
            self.fail(f"{name}: axe: {json.dumps(told, indent=1)}")

    def check(self, name, tall=860):
        self.size(1180, tall)
        for scheme in ["light", "dark"]:
            self.scheme(scheme)
            self.accessible(f"{name}, {scheme}")
            self.picture(name if scheme == "light" else f"{name}-dark")
        self.scheme("light")
        for width in [400, 640]:
            self.size(width, 860)
            wide = self.driver.execute_script("return document.documentElement.scrollWidth")
            if wide > width:
                self.fail(f"{name}: {wide} pixels wide where there are {width}")
            if width == 400:
                self.picture(f"{name}-narrow")
        self.wide()
        self.quiet(name)

    def quiet(self, name):
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        if entries:
            self.fail(f"{name}: the console says {entries}")

    def forgive(self, expected):
        """Takes what the console says, which must be this."""
        for entry in self.driver.get_log("browser"):
            if entry["level"] == "SEVERE" and not expected.search(entry["message"]):
                self.fail(f"the console says {entry}")

    def picture(self, name):
        if self.kept and name in KEPT:
            self.wait("what was said to go", lambda: self.text("#said") == "")
        path = self.pictures / f"{name}.png"
        self.driver.save_screenshot(str(path))
        if self.kept and name in KEPT:
            (self.kept / path.name).write_bytes(path.read_bytes())
