"""Fingerprints and the scaffold split of molecules that are written as SMILES."""

import numpy as np
import pandas as pd

ASSAYS = [
    *(f"NR-{name}" for name in ("AR", "AR-LBD", "AhR", "Aromatase", "ER", "ER-LBD", "PPAR-gamma")),
    *(f"SR-{name}" for name in ("ARE", "ATAD5", "HSE", "MMP", "p53")),
]
CLINTOX = ["FDA_APPROVED", "CT_TOX"]


def molecules(path, targets):
    """A column smiles and one per assay, empty where it was not made; needs RDKit.

    Molecules that RDKit cannot read are left out; the scaffold split is that of DeepChem: sets of
    one Bemis-Murcko scaffold, the largest first, fill training, validation and test part.
    """
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    frame = pd.read_csv(path)
    read = [Chem.MolFromSmiles(smiles) for smiles in frame["smiles"]]
    kept = [row for row, molecule in enumerate(read) if molecule is not None]
    generator = GetMorganGenerator(radius=2, fpSize=1024)
    bits = np.array([generator.GetFingerprintAsNumPy(read[row]) for row in kept], dtype=np.uint8)
    scaffolds = [MurckoScaffoldSmiles(mol=read[row]) for row in kept]
    return {
        "X_packed": np.packbits(bits, axis=1),
        "n_bits": np.array(1024),
        "Y": frame[targets].to_numpy(np.float32)[kept],
        "target_names": np.array(targets),
        "scaffold_split": scaffold_split(scaffolds),
    }


def scaffold_split(scaffolds):
    """'train', 'valid' or 'test' per row: 80, 10 and 10 % by whole scaffolds."""
    groups = {}
    for row, scaffold in enumerate(scaffolds):
        groups.setdefault(scaffold, []).append(row)
    parts, sizes, n = np.full(len(scaffolds), "test "), {"train": 0, "valid": 0}, len(scaffolds)
    for rows in sorted(groups.values(), key=lambda rows: (len(rows), rows[0]), reverse=True):
        if sizes["train"] + len(rows) <= 0.8 * n:
            part = "train"
        elif sum(sizes.values()) + len(rows) <= 0.9 * n:
            part = "valid"
        else:
            continue
        parts[rows] = part
        sizes[part] += len(rows)
    return np.char.strip(parts)
