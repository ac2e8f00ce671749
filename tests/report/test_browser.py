"""A browser opens the page without a complaint: Debian's chromium and chromium-driver, headless."""

import shutil
from pathlib import Path

import pytest

from ecg_lightning.report.page import write
from tests.corpora.run_folder import write_run_folder

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)
BROKEN = "return [...document.images].filter(i => !i.complete || i.naturalWidth === 0).map(i => i.alt)"
WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.slow
@pytest.mark.parametrize("synthetic", [True, False])
def test_a_browser_shows_every_picture_and_logs_nothing(tmp_path: Path, synthetic: bool) -> None:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: make setup")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium is not installed: apt-get install chromium chromium-driver")
    name = '<img src=x onerror="console.error(1)">'
    page = write(write_run_folder(tmp_path / "run", n_rows=2000, synthetic=synthetic, strange_name=name))
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        chrome.get(page.as_uri())
        assert chrome.get_log("browser") == []
        assert chrome.execute_script("return document.images.length") == 7
        assert chrome.execute_script(BROKEN) == []
        assert chrome.execute_script(WIDE) == 0, "the page is wider than the window"
        mark = "return getComputedStyle(document.body, '::before').content"
        assert ("SYNTHETIC" in chrome.execute_script(mark)) == synthetic
        assert name in chrome.find_element("tag name", "body").text
    finally:
        chrome.quit()
