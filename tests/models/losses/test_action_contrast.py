import torch

from egomm.functional.contrast import class_nce
from egomm.models.losses.action_contrast import ActionContrast
from egomm.models.losses.sensitivity import ActionSensitivity


def case(targets, frames=None):
    torch.manual_seed(0)
    frames = torch.randn(2, 3, 8) if frames is None else frames
    mask = torch.ones(2, 8, dtype=torch.bool)
    mask[1, 6:] = False
    sensitivity = ActionSensitivity(num_classes=3)
    loss = ActionContrast(weight=2.0, temperature=0.5)(frames, mask, targets, sensitivity)
    return frames, sensitivity, loss


def target(*rows):
    segments, labels = [row[:2] for row in rows], [row[2] for row in rows]
    return dict(
        segments=torch.tensor(segments, dtype=torch.float32).reshape(-1, 2),
        labels=torch.tensor(labels, dtype=torch.long),
    )


def test_features_are_means_of_frames_weighed_by_both_sensitivities():
    frames, sensitivity, loss = case([target((1, 3, 0)), target((0.5, 2.5, 2))])
    features, labels = [], []
    for row, (first, last, start, end, label) in enumerate([(1, 4, 1, 3, 0), (1, 3, 0.5, 2.5, 2)]):
        t = torch.arange(first, last).float()
        d = ((start + end) / 2 - t) / (end - start)
        gauss = [torch.exp(-((d - mu) ** 2) / 2) for mu in (0, -0.5, 0.5)]
        for weight in (gauss[0], (gauss[1] + gauss[2]) / 2):
            features.append(frames[row, :, first:last] @ (weight / weight.sum()))
            labels.append(label)
    rivals = [frames[0, :, [0, 4, 5, 6, 7]].mean(dim=1), frames[1, :, [0, 3, 4, 5]].mean(dim=1)]
    wanted = class_nce(torch.stack(features), torch.tensor(labels), torch.stack(rivals), 0.5)
    torch.testing.assert_close(loss, 2 * wanted.mean())


def test_padding_and_clips_without_labels_take_no_part():
    frames, _, loss = case([target((1, 3, 0)), target((4.5, 9, 1))])
    changed = frames.clone()
    changed[1, :, 6:] = 1e6
    assert torch.equal(case([target((1, 3, 0)), target((4.5, 9, 1))], changed)[2], loss)
    changed = torch.cat([frames[:1], 0 * frames[1:]])
    one, other = (case([target((1, 3, 0)), None], x)[2] for x in (frames, changed))
    assert torch.equal(one, other)


def test_nothing_to_compare_is_zero_with_a_gradient():
    frames = torch.randn(2, 3, 8, requires_grad=True)
    for targets in ([None, None], [target(), target()], [target((2.2, 2.8, 1)), None]):
        _, _, loss = case(targets, frames)
        assert loss == 0
        loss.backward()
    assert frames.grad is None or not frames.grad.isnan().any()
