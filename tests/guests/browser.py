"""A visitor with cookies, who asks for one site of the server on this machine."""

import re

import requests

PATIENCE = 30  # seconds
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser(requests.Session):
    def __init__(self, port: int, host: str) -> None:
        super().__init__()
        self.trust_env = False
        self.base = f"http://127.0.0.1:{port}"
        self.headers.update({"Accept": "text/html", "Host": host})

    def request(self, method: str, url: str, **options: object) -> requests.Response:
        options.setdefault("timeout", PATIENCE)
        return super().request(method, f"{self.base}{url}", **options)

    def status(self, path: str) -> int:
        """The status of a page, after redirects."""
        return self.get(path).status_code

    def log_in(self, path: str, **fields: str) -> requests.Response:
        """Fill in the form of a log-in page, and follow where it leads."""
        page = self.get(path)
        assert page.status_code == 200, f"the log-in page {path} answers {page.status_code}"
        (token, *_) = TOKEN.findall(page.text)
        return self.post(path, data={**fields, "csrfmiddlewaretoken": token})
