#!/usr/bin/env python3
"""Looks at the page /debug/fibers in a headless Chromium, without scripts and with them.

usage: browser.py CHROMIUM PROGRAM [PICTURE.png]     with a picture: takes one, too
"""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time

from served import Served, expect

PATIENCE = 60


class Browser:
    """Speaks the DevTools protocol over two pipes: JSON, each message ended by a NUL."""

    def __init__(self, program, folder):
        to_it, self.to = os.pipe()
        self.source, from_it = os.pipe()
        # --no-sandbox: tests run as root in containers; it sees nothing but our own page.
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                   "--no-proxy-server", f"--user-data-dir={folder}", "--remote-debugging-pipe"]
        redirect = ["bash", "-c", f'exec "$@" 3<&{to_it} 4>&{from_it}', "bash"]
        self.process = subprocess.Popen(redirect + command, pass_fds=(to_it, from_it), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(from_it)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def read(self):
        limit = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            if not select.select([self.source], [], [], max(0, limit - time.monotonic()))[0]:
                sys.exit("not ok: the browser does not answer")
            piece = os.read(self.source, 1 << 16)
            if not piece:
                sys.exit("not ok: the browser has ended")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            sys.exit(f"not ok: {method}: {answer['error']}")
        return answer["result"]

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"not ok: {expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def eventually(self, expression, what):
        limit = time.monotonic() + PATIENCE
        while not self.value(expression):
            if time.monotonic() > limit:
                sys.exit(f"not ok: {what}\n{self.value('document.body.innerText')}")
            time.sleep(0.05)
        print("ok:", what)

    def go_to(self, url):
        self.call("Page.navigate", url=url)
        self.eventually("document.readyState === 'complete' && location.href !== 'about:blank'", url + " is there")

    def named(self, event):
        return [e["params"] for e in self.events if e.get("method") == event]

    def picture(self, path):
        self.call("Emulation.setDeviceMetricsOverride", width=1440, height=960, deviceScaleFactor=1, mobile=False)
        self.value("document.querySelector('th a[data-sort=wait]').click()")
        time.sleep(60)  # for something to be seen of the counts over time
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def end(self):
        os.close(self.to)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


ROW = "[...document.querySelectorAll('#rows tr')].find(r => r.cells[1].innerText.startsWith('%s'))"


def without_scripts(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.go_to(page + "?q=worker&sort=id")
    expect(browser.value("document.querySelectorAll('#rows tr').length") == 24, "without scripts: the rows asked for")
    expect(browser.value("document.getElementById('news').textContent") == "as of this request",
           "without scripts: it says so")
    browser.go_to(page)
    expect(browser.value("document.querySelectorAll('#rows tr').length") >= 30, "without scripts: all rows")
    expect("proven" in browser.value("document.getElementById('leaks').innerText"), "without scripts: leaks")
    expect(browser.value("document.querySelectorAll('#groups .group').length") > 3, "without scripts: stacks")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def renews_itself(browser, page):
    browser.go_to(page)
    browser.value("window.mark = 1")
    browser.eventually("document.getElementById('news').textContent.startsWith('live')", "it is live")
    points = "document.querySelector('polygon.waiting').getAttribute('points')"
    before = browser.value(points)
    browser.eventually(f"{points}.length > {len(before)}", "counts by state over time")
    browser.eventually("[...document.querySelectorAll('#rows tr')].length >= 30", "rows")
    # A stack that is open stays open.
    browser.value(f"({ROW % 'lost'}).querySelector('details').open = true")
    browser.value("window.old = document.querySelector('#rows tr')")
    browser.eventually("!window.old.isConnected", "the rows are renewed")
    expect(browser.value(f"({ROW % 'lost'}).querySelector('details').open"), "a stack that is open stays open")
    expect(browser.value("window.mark") == 1, "without a reload")


def says_what_is(browser):
    expect(browser.value(f"({ROW % 'lost'}).cells[7].innerText") == "proven", "a nil channel: proven")
    expect("served.cpp" in browser.value(f"({ROW % 'lost'}).cells[5].innerText"), "with the place")
    for name, lock, holder in (("transfer", "audit", "report"), ("report", "accounts", "transfer")):
        expect(browser.value(f"({ROW % name}).cells[7].innerText") == "", f"{name}: a cycle is no verdict")
        text = browser.value(f"({ROW % name}).cells[4].innerText")
        expect(f'"{lock}" held by fiber ' in text and f'"{holder}"' in text, f"{name} waits for {lock}: {holder} has it")
    expect("tenant=north" in browser.value("document.getElementById('rows').innerText"), "labels")
    expect('chan "jobs"' in browser.value("document.getElementById('rows').innerText"), "a channel by its name")
    expect(browser.value(f"({ROW % 'archive'}).cells[2].innerText") == "syscall", "a call that blocks")
    expect(browser.value("document.title") == "Fibers" and browser.value("document.images.length") == 0,
           "a fiber's name is text")
    expect(browser.value(f"({ROW % '<img'}) !== undefined"), "as it is")


def can_be_chosen_from(browser):
    form = "document.getElementById('choose').elements"
    browser.value(f"{form}.q.value = 'worker'; {form}.q.dispatchEvent(new Event('input', {{bubbles: true}}))")
    expect(browser.value("document.querySelectorAll('#rows tr').length") == 24, "the filter")
    browser.value("document.querySelector('th a[data-sort=id]').click()")
    ids = browser.value("[...document.querySelectorAll('#rows tr')].map(r => Number(r.cells[0].innerText))")
    expect(ids == sorted(ids), "sorted by id")
    browser.value("document.getElementById('pause').click()")
    browser.value("window.old = document.querySelector('#rows tr')")
    time.sleep(1.5)  # more than an interval: nothing may come of it
    expect(browser.value("window.old.isConnected"), "paused")
    browser.value("document.getElementById('pause').click()")
    browser.eventually("!window.old.isConnected", "goes on")
    browser.value(f"{form}.q.value = ''; {form}.q.dispatchEvent(new Event('input', {{bubbles: true}}))")


def stays_at_home(browser, origin):
    places = [p["request"]["url"] for p in browser.named("Network.requestWillBeSent")]
    expect(any("fibers.json" in p for p in places), "fibers.json is fetched")
    away = [p for p in places if not p.startswith((origin + "/", "data:"))]
    expect(not away, f"nothing from elsewhere {away}")
    complaints = browser.named("Runtime.exceptionThrown") + [
        p for p in browser.named("Log.entryAdded") if p["entry"]["level"] == "error"]
    expect(not complaints, f"no complaint of the browser's {complaints}")


def main():
    chromium, program, *picture = sys.argv[1:]
    with Served(program) as served, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(chromium, folder)
        try:
            page = served.origin + "/debug/fibers"
            without_scripts(browser, page)
            renews_itself(browser, page)
            says_what_is(browser)
            can_be_chosen_from(browser)
            stays_at_home(browser, served.origin)
            if picture:
                browser.picture(picture[0])
        finally:
            browser.end()


if __name__ == "__main__":
    main()
