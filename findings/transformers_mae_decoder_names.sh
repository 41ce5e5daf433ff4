#!/usr/bin/env bash
# An MAE that transformers 5 saves would be expected to have the decoder's names that transformers 4 and the hub's
# folders have, decoder.decoder_layers.N.attention.attention.query, because it writes all other tensors under them.
# transformers 5.24.0 writes decoder.decoder_encoder.layer.N.attention.attention.query, which no version's model has.
# It reads them back itself; transformers 4.57.1 finds no block of the decoder, says so in a warning, and decodes with
# random values. A reader of the encoder alone has to pass over both spellings.
# transformers 5.24.0 and 4.57.1, torch 2.6.0, Python 3.11; 2026-11-30.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q torch==2.6.0 transformers==5.24.0 safetensors
"$work/env/bin/pip" install -q --target "$work/four" transformers==4.57.1

cat >"$work/save.py" <<'PY'
import sys
import torch
import transformers as tf
from safetensors import safe_open
tiny = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16,
            patch_size=8, decoder_hidden_size=16, decoder_num_hidden_layers=2, decoder_num_attention_heads=2,
            decoder_intermediate_size=32)
model = tf.ViTMAEForPreTraining(tf.ViTMAEConfig(**tiny))
model.save_pretrained(sys.argv[1])
with safe_open(f"{sys.argv[1]}/model.safetensors", "pt") as f:
    names = sorted(k for k in f.keys() if k.startswith("decoder.") and "query.weight" in k)
print("transformers", tf.__version__, "writes", names)
again, info = tf.ViTMAEForPreTraining.from_pretrained(sys.argv[1], output_loading_info=True)
same = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))
print("reads them back:", same, len(info["missing_keys"]), "missing")
assert tf.__version__ == "5.24.0" and same and not info["missing_keys"]
assert names == [f"decoder.decoder_encoder.layer.{i}.attention.attention.query.weight" for i in range(2)], names
PY
cat >"$work/load.py" <<'PY'
import sys
import transformers as tf
model, info = tf.ViTMAEForPreTraining.from_pretrained(sys.argv[1], output_loading_info=True)
missing = [k for k in info["missing_keys"] if k.startswith("decoder.decoder_layers.")]
print("transformers", tf.__version__, "misses", len(missing), "tensors of the decoder's blocks:", sorted(missing)[0])
print("and has no place for", len(info["unexpected_keys"]))
assert tf.__version__ == "4.57.1" and len(missing) == 32 and len(info["unexpected_keys"]) == 32
PY
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
"$work/env/bin/python" "$work/save.py" "$work/mae" 2>/dev/null
PYTHONPATH="$work/four" "$work/env/bin/python" "$work/load.py" "$work/mae" 2>/dev/null
