"""Uses the page as a person would, in Chromium: logs in, upgrades, watches, loses the server, rolls back, looks at every view.

browse.py --netlink BINARY --root INSTALLATION --pictures FOLDER [--keep FOLDER]

The installation is at 0a1, has 0b1 and 0r1 to go to, and 0b1 becomes healthy only once there is a file `lit` in it. With --keep
the pictures for the documentation are put there. Fails with a sentence and the path of a picture of what was to be seen.
"""

import argparse
import datetime
import json
import pathlib
import re
import sqlite3
import subprocess
import time
import zoneinfo

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import OF_THE_NETWORK, Browser, Server

# Of the policy.
ZONE = "Europe/Berlin"


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


def try_on_copies(browser):
    browser.click("See the plan to 0r1")
    browser.heading("Upgrade 0a1 → 0r1")
    browser.click("Try it on copies")
    browser.see("+brightness = 5")
    browser.see("V2__length")
    browser.see("way back rehearsed")
    browser.see("Nothing comes and nothing goes")
    browser.see("ALTER TABLE switches ADD COLUMN length")
    browser.scroll_to("Tried on copies")
    browser.check("trial", tall=1180)
    browser.click("Back", "main a")
    browser.heading("Overview")


class Policy:
    """What is written into the settings while the server runs."""

    def __init__(self, root):
        self.path = root / "config/update.yml"
        self.before = self.path.read_text()
        self.today = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE))

    def nights(self, more=""):
        """Closed now, and open for three hours of each day that is not blocked."""
        start = 2 if not 1 <= self.today.hour <= 5 else 14
        day = lambda count: (self.today + datetime.timedelta(days=count)).date().isoformat()
        exceptions = [
            f"{{days: {day(5)}, open: agreed with the shop}}",
            f"{{days: {day(9)}..{day(11)}, closed: stocktaking}}",
        ]
        lines = [
            f"time_zone: {ZONE}",
            f'allowed_hours: ["{start:02}:00-{start + 3:02}:00"]',
            "blocked_days: [friday]",
            f"exceptions: [{', '.join(exceptions)}]",
        ]
        self.write([*lines, more] if more else lines)

    def write(self, lines):
        self.path.write_text(self.before + "policy:\n" + "".join(f"  {line}\n" for line in lines))

    def end(self):
        self.path.write_text(self.before)


def know_the_clocks(browser):
    """Readings of the clock in zones that change it, also at midnight, by the page's own module and by another's."""
    zones = ["UTC", "Europe/Berlin", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "Pacific/Apia"]
    asked, expected = [], []
    for name in zones:
        zone = zoneinfo.ZoneInfo(name)
        for number in range(0, 400):
            there = datetime.datetime.fromtimestamp(1767225600 + number * 79200, zone)
            midnight = datetime.datetime(there.year, there.month, there.day, tzinfo=zone)
            # A midnight that is left out is the moment of the change; one that comes twice is the first.
            first = int(midnight.astimezone(datetime.timezone.utc).timestamp())
            asked.append([name, int(there.timestamp() * 1000)])
            expected.append([there.date().isoformat(), there.hour * 60 + there.minute, first * 1000])
    script = """const [asked, done] = arguments;
        import("/page/zone.js").then(({ readingOf, momentOf }) => done(asked.map(([zone, time]) => {
            const { day, minutes } = readingOf(time, zone);
            return [day, minutes, momentOf(day, 0, zone).getTime()];
        })))"""
    found = browser.driver.execute_async_script(script, asked)
    for question, one, other in zip(asked, found, expected):
        if one != other:
            browser.fail(f"the clock of {question} reads {one} instead of {other}")


def plan_for_later(browser, netlink, root):
    policy = Policy(root)
    policy.nights()
    browser.driver.refresh()
    browser.see("Updates may begin again")
    browser.see("Updates may not begin now")
    browser.see("Not now: outside the hours of updates")
    browser.check("closed")
    browser.click("See the plan to 0b1")
    browser.heading("Upgrade 0a1 → 0b1")
    browser.see("Updates may not begin now")

    # At once only with a word of its own, while the calendar is closed.
    browser.click("Start")
    browser.see("The calendar is closed then", "dialog")
    browser.click("I have read", "dialog label")
    if browser.find("Upgrade to 0b1", "dialog button").is_enabled():
        browser.fail("the calendar is closed, and it begins without a word")
    browser.click("Begin all the same", "dialog label")
    if not browser.find("Upgrade to 0b1", "dialog button").is_enabled():
        browser.fail("the word was given, and it cannot begin")
    browser.click("Not now", "dialog button")

    # When it opens; the picture has more of the dialog.
    browser.click("Schedule")
    browser.see("When the calendar opens", "dialog")
    browser.accessible("the question when")
    browser.picture("schedule")
    browser.click("I have read", "dialog label")
    browser.click("Schedule the upgrade to 0b1", "dialog button")
    browser.heading("Upgrade to 0b1")
    browser.see("scheduled")
    browser.check("scheduled")
    opening = waiting(netlink, root)[0]

    # At a time that is chosen, by the clock of the policy.
    browser.go("Overview", "Overview")
    browser.see("begins ")
    browser.click("See the plan to 0r1")
    browser.heading("Upgrade 0a1 → 0r1")
    browser.click("Schedule")
    browser.click("At", "dialog label")
    wanted = datetime.datetime.fromisoformat(opening).astimezone(zoneinfo.ZoneInfo(ZONE)) + datetime.timedelta(minutes=90)
    script = """const field = document.querySelector("dialog input[type=datetime-local]");
        field.value = arguments[0];
        field.dispatchEvent(new Event("input", { bubbles: true }))"""
    browser.driver.execute_script(script, (wanted + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M"))
    browser.see("The calendar is closed then", "dialog")
    browser.driver.execute_script(script, wanted.strftime("%Y-%m-%dT%H:%M"))
    browser.wait("the word of the calendar to go", lambda: "The calendar is closed" not in browser.text("dialog"))
    browser.click("I have read", "dialog label")
    browser.click("Schedule the upgrade to 0r1", "dialog button")
    browser.heading("Upgrade to 0r1")
    found = [datetime.datetime.fromisoformat(time) for time in waiting(netlink, root)]
    if found != [datetime.datetime.fromisoformat(opening), wanted]:
        browser.fail(f"{found} are scheduled instead of {opening} and {wanted}")

    look_at_the_calendar(browser, policy, root)
    browser.click("Cancel: Upgrade to 0b1")
    browser.wait("the first to go", lambda: len(waiting(netlink, root)) == 1)
    browser.click("Upgrade to 0r1", ".side a")
    browser.heading("Upgrade to 0r1")
    browser.click("Cancel the schedule")
    browser.see("cancelled")
    if waiting(netlink, root):
        browser.fail("what was cancelled is still scheduled")
    policy.end()
    browser.go("Overview", "Overview")
    browser.see("Updates may begin at any time")


def waiting(netlink, root):
    status = json.loads(subprocess.check_output([netlink, "--root", str(root), "update", "status", "--output", "json"]))
    return [order["scheduled_time"] for order in status.get("queue", [])]


def queue(netlink, root):
    status = json.loads(subprocess.check_output([netlink, "--root", str(root), "update", "status", "--output", "json"]))
    return [(order["order"]["kind"], order["state"]) for order in status.get("queue", [])]


def look_at_the_calendar(browser, policy, root):
    browser.go("Calendar", "Calendar")
    browser.see("blocked day")
    browser.see("stocktaking")
    browser.see("Upgrade to 0b1", ".week")
    browser.check("calendar", tall=1180)
    browser.click("The week after")
    browser.see("stocktaking", ".week")
    browser.click("Month")
    browser.see("closed", ".month")
    browser.check("calendar-month", tall=1180)
    browser.click("Week", ".choice button")
    policy.nights("freeze: audit until Friday")
    browser.driver.refresh()
    browser.see("audit until Friday", ".week")
    browser.check("calendar-frozen")
    policy.nights()
    browser.driver.refresh()
    browser.wait("the freeze to go", lambda: "now it is outside" in browser.text() and "audit until Friday" not in browser.text())


def upgrade_by_keys(browser):
    browser.tab_to("See the plan to 0b1")
    browser.press(Keys.ENTER)
    browser.heading("Upgrade 0a1 → 0b1")
    browser.tab_to("Start")
    browser.press(Keys.ENTER)
    browser.see("Upgrade to 0b1?", "dialog")
    if browser.find("Upgrade to 0b1", "dialog button").is_enabled():
        browser.fail("breaking changes are taken without a word")
    browser.accessible("the question")
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
    browser.see("What gets lost", "dialog")
    browser.see("what only releases above 0a1 store is lost", "dialog")
    browser.click("I know that what", "dialog label")
    browser.click("Roll back to 0a1", "dialog button")
    browser.heading("Rollback 0b1 → 0a1")
    browser.see("0a1 is in place")
    browser.go("History", "History")
    browser.see("Rollback 0b1 → 0a1")
    browser.check("history")


def begin_by_the_clock(browser, netlink, root):
    """An order that is looked at becomes the update, in the same view."""
    run = lambda *words: subprocess.check_output([netlink, "--root", str(root), "update", *words, "--yes", "--output", "json"])
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
    ordered = json.loads(run("upgrade", "--to", "0b1", "--accept-breaking", "--force", "--at", soon.strftime("%Y-%m-%dT%H:%M:%SZ")))
    browser.driver.get(f"{browser.base}/#/update/{ordered['order']['order_id']}")
    browser.heading("Upgrade to 0b1")
    browser.see("scheduled")
    browser.heading("Upgrade 0a1 → 0b1")
    browser.see("0b1 is in place")
    browser.see("0a1 is kept for the way back")
    browser.quiet("begun by the clock")
    run("rollback")


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
    browser.wait("its order to be done", lambda: "Orders" not in browser.text())
    browser.check("backups")


def restore(browser, server, root):
    netlink = server.netlink
    data = next((root / "data").glob("*.db"))
    product = lambda word: subprocess.check_output([netlink, "--root", str(root), "supervise", word])
    names = lambda: [name for (name,) in sqlite3.connect(data).execute("SELECT name FROM switches ORDER BY id")]
    before = names()
    # One of another version does not fit.
    browser.click("backup_0b1", "main a")
    browser.see("0a1 is installed")
    browser.click("Restore")
    browser.click("I know that what was written", "dialog label")
    browser.see("Go to 0b1 first", "dialog")
    if browser.find("Restore everything", "dialog button").is_enabled():
        browser.fail("a backup of another version is offered")
    browser.click("Not now", "dialog button")
    browser.go("Backups", "Backups")
    browser.click("backup_0a1", "main a")
    browser.wait("its name", lambda: browser.text("h1").startswith("backup_"))
    browser.see("config/lamp.toml")
    browser.see("restored for practice")
    browser.check("backup")

    # While the product runs it is refused, and nothing is touched.
    browser.click("Restore")
    browser.see("What is lost", "dialog")
    browser.see("config/", "dialog")
    if browser.find("Restore everything", "dialog button").is_enabled():
        browser.fail("a restore needs no word")
    browser.accessible("the question before a restore")
    browser.picture("restore")
    browser.click("Back up first", "dialog label")
    browser.click("I know that what was written", "dialog label")
    browser.click("Restore everything", "dialog button")
    browser.see("the product runs", "dialog")
    browser.click("Not now", "dialog button")
    browser.forgive(re.compile("409"))

    product("--stop")
    with sqlite3.connect(data) as database:
        database.execute("INSERT INTO switches (name) VALUES ('attic')")
    database.close()
    # Not before the backup is done that it is to begin with.
    server.go.unlink()
    browser.click("Restore")
    browser.click("I know that what was written", "dialog label")
    browser.click("Restore everything", "dialog button")
    browser.wait("the backup to run", lambda: queue(netlink, root) == [("backup_create", "running")])
    watched = time.monotonic()
    while time.monotonic() < watched + 1.5:
        if len(queue(netlink, root)) > 1:
            browser.fail("the restore was ordered while the backup before it runs")
    server.go.touch()
    browser.see("in place again")
    if names() != before:
        browser.fail(f"{names()} are in the database instead of {before}")

    # One file alone.
    config = root / "config/lamp.toml"
    text = config.read_text()
    config.write_text("lost")
    browser.click("Restore config/lamp.toml", "input")
    browser.click("Restore 1 file")
    browser.see("What these have today", "dialog")
    browser.click("Back up first", "dialog label")
    browser.click("I know that what was written", "dialog label")
    browser.click("Restore 1 file", "dialog button")
    browser.wait("the file to be as it was", lambda: config.read_text() == text)
    browser.check("restored")
    product("--start")


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
    if "Try it" in browser.text():
        browser.fail("a viewer is offered to try it")
    browser.go("Backups", "Backups")
    browser.click("backup_", "main a")
    browser.see("Files")
    for word in ["Restore", "Drill"]:
        if word in browser.text(".head") or "Tick some" in browser.text():
            browser.fail(f"a viewer is offered `{word}`")
    browser.go("Calendar", "Calendar")
    browser.quiet("a viewer")
    token("revoke", made["prefix"])
    browser.heading("Log in")
    browser.see("Your session has ended")
    browser.forgive(re.compile("401"))
    # Back to where it ended.
    made = token("create", "--name", "guest", "--role", "viewer")
    browser.press(made["token"], Keys.ENTER)
    browser.heading("Calendar")
    browser.see("The days to come")
    browser.quiet("a viewer once more")


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
            know_the_clocks(browser)
            look_at_the_plan(browser)
            try_on_copies(browser)
            plan_for_later(browser, wanted.netlink, wanted.root)
            upgrade_by_keys(browser)
            watch_and_lose_the_server(browser, server, wanted.root)
            roll_back(browser)
            begin_by_the_clock(browser, wanted.netlink, wanted.root)
            maintain(browser)
            back_up(browser)
            restore(browser, server, wanted.root)
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
