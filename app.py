"""The WSGI application, and `python app.py` for a local instance."""

from __future__ import annotations

from bidding import create_app
from bidding.local import main

if __name__ == "__main__":
    main()
else:
    app = create_app()
