"""Takes the pictures of the inspector that the documentation shows.

    python benchmarks/inspector_pictures.py [FOLDER]

It needs Chromium with its driver and the extras `test` and `clients`. By default it writes into
`docs/images`. The clock of the mock stands still, so the pictures change only when the pages do.
"""

import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel

ROOT = Path(__file__).resolve().parents[1]
PICTURES = {
    "inspector-overview": ("?token=shop-staging", "light", 1120, 760),
    "inspector-request": ("requests/1", "light", 1120, 600),
    "inspector-person": ("person?token=shop-staging&id=ann", "dark", 1120, 900),
}
"""By name: the page, the theme, and the size in pixels."""
QUALITY = 70
"""Of the compression, in percent."""


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    sys.path.insert(0, str(ROOT))
    from tests.clients.browser_run import chromium
    from tests.mock_mixpanel.inspector.samples import fill

    with (
        TemporaryDirectory() as profile,
        chromium(Path(profile), https_port=0) as driver,
        Server(eu_port=0) as server,
    ):
        mock = MockMixpanel(server.url, "shop-staging", eu_url=server.eu_url or "")
        fill(mock)
        mock.close()
        for name, (page, theme, width, height) in PICTURES.items():
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(f"{server.url}/_mock/ui/{page}")
            driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            shot = {"format": "webp", "quality": QUALITY}
            taken = driver.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
            file = folder / f"{name}.webp"
            file.write_bytes(b64decode(taken))
            print(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
