"""The people of the seeded demo, whom anybody may sign in as. They exist nowhere else."""

from __future__ import annotations

from bidding.vocabulary import N_

PASSWORD = "jiebang-demo"  # noqa: S105 - published on the demo's sign-in page

ACCOUNTS: dict[str, str] = {
    "poster@jiebang.demo": N_("A large enterprise that posts"),
    "solver@jiebang.demo": N_("An SME that takes challenges"),
    "reviewer@jiebang.demo": N_("A reviewer of the programme"),
    "admin@jiebang.demo": N_("An administrator of the programme"),
}
