"""Features of Omnivore's Swin-L, 1536 values a window, as Ego4D's `omnivore_video_swinl`.

Run:     python tools/convert_checkpoint.py omnivore swinL.torch weights/swin_l.pth \
             --prefix backbone.
         python tools/extract_features.py configs/features/omnivore_swin-l.py weights/swin_l.pth \
             VIDEO... --out data/features/omnivore --compare data/ego4d/features/omnivore
Cost:    <GPU hours an hour of video, once measured>    Expect: <cosine to Ego4D's, once compared>
Source:  window 32, stride 16 at 30 fps: Ego4D's documentation of its features. Short side 256,
         centre 224, mean and deviation of ImageNet, all 32 frames, mean over the last map:
         github.com/facebookresearch/Ego4d, ego4d/features/models/omnivore.py. Network:
         github.com/facebookresearch/omnivore, omnivore_swinL. Ego4D resizes after normalising, in
         floats; here images are resized first, in 8 bits. Which of the published Swin-L weights
         Ego4D used is not known here: --compare tells. They are CC BY-NC 4.0.
"""

features = dict(window=32, stride=16, fps=30)
default_scope = 'mmaction'
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='SwinTransformer3D', arch='large', window_size=(8, 7, 7), pretrained2d=False
    ),
    cls_head=None,
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
)
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
