"""MIMO's query-token fusion, tested in nine views: three sets of instants, three crops each.

Run:     python tools/test.py configs/mimo/epic100_swin-t_query_3x3views.py CHECKPOINT
Cost:    <once measured>; nine times the forward pass of one view, in the same memory
Expect:  <once measured>
Source:  the query config; training and validation are its own. Three spatial crops with
         uniform sampling over the action are how Omnivore's EPIC-KITCHENS-100 numbers are
         reproduced (facebookresearch/omnivore, issue 37). `model.keep_views=True` leaves the
         predictions of the single views in a dump.
"""

_base_ = './epic100_swin-t_query.py'
test_dataloader = dict(
    dataset=dict(pipeline=dict(times=dict(views=3), crop=dict(type='ThreeCrops')))
)
