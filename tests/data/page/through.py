"""Uses the page through a relay: logs in, upgrades, watches it live, loses the relay, rolls back, logs out.

through.py --relay COMMAND --root INSTALLATION --pictures FOLDER

COMMAND is a JSON list of words, `{address}` in it is where the relay listens. The server behind it runs already. The installation is
at 0a1, and 0b1 becomes healthy only once there is a file `lit` in it. Fails with a sentence and the path of a picture of what was to be seen.
"""

import argparse
import json
import pathlib

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browse import journal, roll_back
from browser import OF_THE_NETWORK, Browser, Server


class Relay(Server):
    def __init__(self, words):
        self.words, self.address = words, "127.0.0.1:0"
        self.start()

    def command(self):
        return [word.replace("{address}", self.address) for word in self.words]


def log_in(browser, token):
    browser.driver.get(browser.base)
    browser.heading("Log in")
    browser.press(token, Keys.ENTER)
    browser.heading("Overview")
    browser.see("0a1", ".hero")
    session = [one for one in browser.driver.get_cookies() if one["name"].startswith("netlink_session_")]
    if len(session) != 1 or not session[0]["httpOnly"] or session[0]["sameSite"] != "Strict":
        browser.fail(f"the session's cookie: {session}")
    browser.quiet("the overview")


def upgrade(browser, relay, root):
    browser.click("See the plan to 0b1")
    browser.heading("Upgrade 0a1 → 0b1")
    browser.click("Start")
    browser.click("Upgrade to 0b1", "dialog button")
    browser.wait("the product to be asked whether it is healthy", lambda: browser.driver.find_elements(By.XPATH, "//li[@class='started']//code[text()='health']"))
    browser.wait("the journal to come this far", lambda: any("started · Look whether it is healthy" in line for line in journal(browser)))
    browser.quiet("the update")
    before = journal(browser)
    relay.end()
    browser.see("The server is away", "#away")
    relay.start()
    browser.wait("the banner to go", lambda: browser.text("#away") == "")
    browser.forgive(OF_THE_NETWORK)
    (root / "lit").touch()
    browser.see("0b1 is in place")
    lines = journal(browser)
    if lines[: len(before)] != before or len(lines) == len(before):
        browser.fail(f"the journal was {before}, and is {lines}")
    if sum("started · Switch" in line for line in lines) != 1:
        browser.fail(f"the switch is not told once: {lines}")
    browser.quiet("the end of the update")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--relay", type=json.loads, required=True)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    wanted = parser.parse_args()
    wanted.pictures.mkdir(parents=True, exist_ok=True)
    relay = Relay(wanted.relay)
    try:
        browser = Browser(f"http://{relay.address}", wanted.pictures, None)
        try:
            log_in(browser, (wanted.root / ".netlink/token").read_text().strip())
            upgrade(browser, relay, wanted.root)
            roll_back(browser)
            browser.click("Log out")
            browser.heading("Log in")
        finally:
            browser.driver.quit()
    finally:
        relay.end()
    print("the page was used through the relay")


if __name__ == "__main__":
    main()
