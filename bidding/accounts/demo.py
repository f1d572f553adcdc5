"""The people of the seeded demo, whom anybody may sign in as. They exist nowhere else."""

from __future__ import annotations

from bidding.vocabulary import N_

PASSWORD = "jiebang-demo"  # noqa: S105 - published on the demo's sign-in page

POSTER = "poster@jiebang.demo"
SOLVER = "solver@jiebang.demo"
REVIEWER = "reviewer@jiebang.demo"
ADMINISTRATOR = "admin@jiebang.demo"

ACCOUNTS: dict[str, str] = {
    POSTER: N_("A large enterprise that posts"),
    SOLVER: N_("An SME that takes challenges"),
    REVIEWER: N_("A reviewer of the programme"),
    ADMINISTRATOR: N_("An administrator of the programme"),
}
