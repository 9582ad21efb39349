"""Uses the page as a person would, in Chromium: logs in, upgrades, watches, loses the server, rolls back, looks at every view.

browse.py --netlink BINARY --root INSTALLATION --pictures FOLDER [--keep FOLDER]

The installation is at 0a1, has 0b1 and 0r1 to go to, and 0b1 becomes healthy only once there is a file `lit` in it. With --keep
the pictures for the documentation are put there. Fails with a sentence and the path of a picture of what was to be seen.
"""

import argparse
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

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


class Server:
    """A real `netlink serve`, at the same address in each of its lives."""

    def __init__(self, netlink, root):
        self.netlink, self.root, self.address = netlink, root, "127.0.0.1:0"
        self.start()

    def start(self):
        command = [self.netlink, "--root", str(self.root), "serve", "--listen", self.address]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
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
            self.find(text, css).click()
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

    def check(self, name):
        for scheme in ["light", "dark"]:
            self.scheme(scheme)
            found = Axe().run(self.driver)["violations"]
            if found:
                told = [{"rule": one["id"], "help": one["help"], "nodes": [[node["html"][:300], node["failureSummary"]] for node in one["nodes"]]} for one in found]
                self.fail(f"{name}, {scheme}: axe: {json.dumps(told, indent=1)}")
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


KEPT = {"overview", "overview-dark", "plan", "update", "history", "backups", "audit", "overview-narrow"}


def log_in(browser, token):
    browser.driver.get(browser.base)
    browser.heading("Log in")
    browser.check("login")
    browser.press("nlk_00000000_00", Keys.ENTER)
    browser.see("token missing or wrong")
    browser.forgive(re.compile("401"))
    browser.press(token, Keys.ENTER)
    browser.heading("Overview")
    browser.see("See the plan")
    cookies = browser.driver.get_cookies()
    session = [one for one in cookies if one["name"].startswith("netlink_session_")]
    if len(session) != 1 or not session[0]["httpOnly"] or session[0]["sameSite"] != "Strict":
        browser.fail(f"the session's cookie: {cookies}")
    browser.driver.refresh()
    browser.heading("Overview")
    browser.see("0a1", ".hero")


def look_at_the_plan(browser):
    browser.check("overview")
    browser.click("See the plan to 0r1")
    browser.heading("Upgrade 0a1 → 0r1")
    browser.see("Breaking changes")
    browser.check("plan")
    browser.click("Back", "main a")
    browser.heading("Overview")


def upgrade_by_keys(browser):
    browser.tab_to("See the plan to 0b1")
    browser.press(Keys.ENTER)
    browser.heading("Upgrade 0a1 → 0b1")
    browser.tab_to("Start")
    browser.press(Keys.ENTER)
    browser.see("Upgrade to 0b1?", "dialog")
    if browser.find("Upgrade to 0b1", "dialog button").is_enabled():
        browser.fail("breaking changes are taken without a word")
    axe = Axe().run(browser.driver)["violations"]
    if axe:
        browser.fail(f"the question: {axe}")
    browser.picture("question")
    # Away by the Escape key, with the focus where it was; then for good.
    browser.press(Keys.ESCAPE)
    browser.wait("the question to be gone", lambda: not browser.driver.find_elements(By.CSS_SELECTOR, "dialog"))
    browser.tab_to("Start")
    browser.press(Keys.ENTER)
    browser.tab_to("I have read")
    browser.press(Keys.SPACE)
    browser.tab_to("Upgrade to 0b1")
    browser.press(Keys.ENTER)
    browser.heading("Upgrade 0a1 → 0b1")


def journal(browser):
    return [line.strip() for line in browser.text(".log").splitlines() if " · " in line or line.startswith("accepted")]


def watch_and_lose_the_server(browser, server, root):
    browser.wait("the product to be asked whether it is healthy", lambda: browser.driver.find_elements(By.XPATH, "//li[@class='started']//code[text()='health']"))
    browser.check("update")
    before = journal(browser)
    server.end()
    browser.see("The server is away", "#away")
    browser.picture("away")
    server.start()
    browser.wait("the banner to go", lambda: browser.text("#away") == "")
    browser.wait("the journal to go on", lambda: len(journal(browser)) > len(before))
    (root / "lit").touch()
    browser.see("0b1 is in place")
    lines = journal(browser)
    if lines[: len(before)] != before:
        browser.fail(f"the journal was {before}, and is {lines}")
    if sum("started · Switch" in line for line in lines) != 1:
        browser.fail(f"the switch is not told once: {lines}")
    browser.forgive(OF_THE_NETWORK)
    browser.check("updated")


def roll_back(browser):
    browser.click("Roll back")
    browser.see("Roll back to 0a1?", "dialog")
    browser.click("Roll back to 0a1", "dialog button")
    browser.heading("Rollback 0b1 → 0a1")
    browser.see("0a1 is in place")
    browser.go("History", "History")
    browser.see("Rollback 0b1 → 0a1")
    browser.check("history")


def maintain(browser):
    browser.go("Overview", "Overview")
    browser.click("Begin maintenance")
    browser.click("Begin maintenance", "dialog button")
    browser.see("End maintenance")
    browser.check("maintenance")
    browser.click("End maintenance")
    browser.click("End maintenance", "dialog button")
    browser.see("The product serves its users")


def back_up(browser):
    browser.go("Backups", "Backups")
    rows = lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, "tbody tr"))
    count = rows()
    browser.click("Back up now")
    browser.wait("a backup more", lambda: rows() == count + 1)
    browser.click("Drill backup_")
    browser.wait("the drill to be remembered", lambda: "a backup that was never restored" not in browser.text())
    browser.check("backups")


def administer(browser):
    browser.go("Tokens", "Tokens")
    browser.find("", "#token-name").send_keys("dashboard")
    browser.click("Make it")
    browser.see("Copy it now")
    browser.see("dashboard", "table")
    browser.check("tokens")
    browser.click("Revoke dashboard")
    browser.click("Revoke it")
    browser.see("revoked", "table")
    browser.go("Audit", "Audit")
    browser.see("signed checkpoint")
    browser.see("/api/v1/system/updates/upgrade")
    browser.check("audit")


def read_the_reference(browser):
    browser.driver.get(f"{browser.base}/reference")
    browser.heading("REST interface")
    browser.see("/api/v1/system/updates/upgrade")
    browser.check("reference")


def log_out(browser):
    browser.driver.get(browser.base)
    browser.heading("Overview")
    browser.click("Log out")
    browser.heading("Log in")
    if any(one["name"].startswith("netlink_session_") for one in browser.driver.get_cookies()):
        browser.fail("the session's cookie is still there")
    browser.driver.refresh()
    browser.heading("Log in")
    browser.quiet("the end")


def look_only(browser, netlink, root):
    """Somebody who may look is offered nothing else, and is told when the token ends."""
    token = lambda *words: json.loads(subprocess.check_output([netlink, "--root", str(root), "token", *words, "--output", "json"]))
    made = token("create", "--name", "guest", "--role", "viewer")
    browser.press(made["token"], Keys.ENTER)
    browser.heading("Overview")
    browser.see("See the plan")
    for word in ["Audit", "Tokens", "Begin maintenance"]:
        if word in browser.text("body"):
            browser.fail(f"a viewer is offered `{word}`")
    browser.click("See the plan to 0r1")
    browser.heading("Upgrade 0a1 → 0r1")
    browser.see("Changelog")
    if "Start" in browser.text(".head"):
        browser.fail("a viewer is offered to start")
    browser.click("Back", "main a")
    browser.heading("Overview")
    browser.quiet("a viewer")
    token("revoke", made["prefix"])
    browser.heading("Log in")
    browser.see("Your session has ended")
    browser.forgive(re.compile("401"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--netlink", required=True)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    parser.add_argument("--keep", type=pathlib.Path)
    wanted = parser.parse_args()
    wanted.pictures.mkdir(parents=True, exist_ok=True)
    server = Server(wanted.netlink, wanted.root)
    try:
        browser = Browser(f"http://{server.address}", wanted.pictures, wanted.keep)
        try:
            log_in(browser, (wanted.root / ".netlink/token").read_text().strip())
            look_at_the_plan(browser)
            upgrade_by_keys(browser)
            watch_and_lose_the_server(browser, server, wanted.root)
            roll_back(browser)
            maintain(browser)
            back_up(browser)
            administer(browser)
            read_the_reference(browser)
            log_out(browser)
            look_only(browser, wanted.netlink, wanted.root)
        finally:
            browser.driver.quit()
    finally:
        server.end()
    print("all views were used")


if __name__ == "__main__":
    main()
