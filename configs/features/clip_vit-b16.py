"""Image features of CLIP ViT-B/16, 512 values for one frame in 16.

Run:     python tools/extract_features.py configs/features/clip_vit-b16.py \
             FOLDER/model.safetensors VIDEO... --out data/features/clip_b16
Cost:    <GPU hours an hour of video, once measured>
Source:  openai/clip-vit-base-patch16 in a local folder, as `transformers` saves it (wants
         `pip install -e '.[text]'`); size, mean and deviation are read from its
         preprocessor_config.json. One frame in 16 at 30 fps as in the configs of NLQ
         (its data set is ego4d_nlq.py); the paper does not say which frames it took.
"""

features = dict(window=1, stride=16, fps=30)
model = dict(type='transformers.CLIPModel')
