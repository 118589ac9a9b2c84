"""An application that was asked once before the server forks, as a warm-up does."""

from io import BytesIO

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
environ = {
    "HTTP_HOST": "s0.example",
    "PATH_INFO": "/",
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "s0.example",
    "SERVER_PORT": "80",
    "wsgi.input": BytesIO(),
    "wsgi.url_scheme": "http",
}
b"".join(application(environ, lambda *_: None))
