"""Jiebang: large enterprises post challenges, SMEs take them."""

from __future__ import annotations

from flask import Flask

from bidding import (
    background,
    boundary,
    cli,
    config,
    errors,
    extensions,
    features,
    health,
    i18n,
    logging,
    templating,
)


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application, from `settings` or else from the environment."""
    app = boundary.Application(
        __name__,
        template_folder=str(config.ROOT / "templates"),
        static_folder=str(config.ROOT / "static"),
    )
    config.init_app(app, settings or config.Settings.from_environ())
    logging.init_app(app)
    boundary.init_app(app)
    extensions.init_app(app)
    boundary.guard(app)
    i18n.init_app(app)
    templating.init_app(app)
    errors.init_app(app)
    health.init_app(app)
    background.init_app(app)
    features.init_app(app)
    cli.init_app(app)
    return app
