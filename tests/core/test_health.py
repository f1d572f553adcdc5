"""Probes, and the commands that bring a database up."""

from __future__ import annotations

from bidding import migrations


def test_a_process_with_a_ready_database_is_ready(client):
    assert client.get("/healthz").json == {"status": "ok"}
    response = client.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "ok")


def test_a_database_behind_its_code_is_alive_but_not_ready(make_app):
    app = make_app()
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["database"] == "needs `flask --app app db upgrade`"

    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert (result.exit_code, result.output) == (0, "database at head\n")
    assert client.get("/readyz").status_code == 200

    app.test_cli_runner().invoke(args=["db", "downgrade", "base"])
    assert client.get("/readyz").status_code == 503


def test_a_database_that_is_away_is_told_without_its_address(make_app, tmp_path):
    away = f"sqlite:///{tmp_path}/no-such-folder/secret.sqlite3"
    response = make_app(database_url=away).test_client().get("/readyz")
    assert (response.status_code, response.json["database"]) == (503, "unreachable")
    assert "secret" not in response.text


def test_there_is_one_newest_migration():
    assert migrations.head()
