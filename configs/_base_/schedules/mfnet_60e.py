"""SGD, 60 epochs: the learning rate goes from 5e-4 to 5e-3 and back, three times.

Source: Kapidis et al. (2019), section 4.2; ten epochs up and ten down are how we read "in 20
epochs". Batches of 32 clips; --auto-scale-lr adapts the learning rate to yours.
"""

max_epochs = 60
train_cfg = dict(type='ResumableTrainLoop', max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=32)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-4, momentum=0.9, nesterov=True, weight_decay=5e-4),
)
param_scheduler = dict(
    type='TriangularLR', up=10, down=10, peak_factor=10, convert_to_iter_based=True
)
