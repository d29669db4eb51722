"""Loaders of features of untrimmed clips; a config adds the data sets."""

loading = dict(num_workers=8, persistent_workers=True, collate_fn=dict(type='pseudo_collate'))
train_dataloader = dict(**loading, batch_size=2, sampler=dict(type='EpochSampler', shuffle=True))
val_dataloader = dict(**loading, batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
