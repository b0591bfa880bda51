"""All experiments by name, and what runs one method on one setting."""

from benchmarks.accuracy import results
from benchmarks.published import (
    computer,
    landmine,
    molecules,
    multi_label,
    multi_target,
    parkinsons,
    sarcos,
    school,
)

EXPERIMENTS = {
    "school": school.EXPERIMENT,
    "computer": computer.EXPERIMENT,
    "parkinsons": parkinsons.EXPERIMENT,
    "sarcos": sarcos.EXPERIMENT,
    "landmine": landmine.EXPERIMENT,
    "molecules": molecules.EXPERIMENT,
    "multi_target": multi_target.EXPERIMENT,
    "multi_label": multi_label.EXPERIMENT,
}


def run(key, folder):
    return results.run(key, folder, EXPERIMENTS)
