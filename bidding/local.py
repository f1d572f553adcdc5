"""`python app.py`: a local instance that prepares itself."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace

import sqlalchemy as sa
import waitress

from bidding import background, create_app, migrations, seed
from bidding.accounts import demo
from bidding.accounts.models import User
from bidding.accounts.queries import has_demo
from bidding.boundary import reading
from bidding.config import Settings
from bidding.extensions import db


def main() -> None:
    """Upgrade the database, seed the demo into an empty one, and serve until interrupted."""
    options = _options()
    settings = Settings.from_environ().with_local_secret()
    address = f"http://{options.host}:{options.port}"
    if settings.base_url == Settings.base_url:
        settings = replace(settings, base_url=address)
    app = create_app(replace(settings, log_format="console"))
    try:  # before anything is changed: the port may be taken
        server = waitress.create_server(app, host=options.host, port=options.port, threads=8)
    except OSError as error:
        sys.exit(f"Cannot serve on {address}: {error.strerror}. Choose another port with --port.")
    with app.app_context():
        migrations.upgrade(db.engine)
        with reading() as session:
            is_empty = session.scalar(sa.select(User.id).limit(1)) is None
        if options.demo and is_empty:
            print("Seeding the demo …", flush=True)  # noqa: T201 - a terminal's words
            seed.seed_demo()
        with reading() as session:
            is_demo = has_demo(session)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    consumer = background.start_consumer(app)
    print(f"\nJiebang is at {address}\n", flush=True)  # noqa: T201 - a terminal
    if is_demo:
        for email in demo.ACCOUNTS:
            print(f"  {email}  password {demo.PASSWORD}", flush=True)  # noqa: T201 - a terminal
    try:
        server.run()
    finally:
        consumer.stop(graceful=True)
        print("Stopped.", flush=True)  # noqa: T201 - a terminal


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run Jiebang on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument(
        "--no-demo", dest="demo", action="store_false", help="start with an empty database"
    )
    return parser.parse_args()
