"""check_bottleneck: what it lets through, and what it refuses."""

import pytest

from ecg_lightning.layers.bottleneck import check_bottleneck


def test_fewer_numbers_than_samples_are_a_bottleneck() -> None:
    check_bottleneck(1, 2)
    check_bottleneck(186, 187)


@pytest.mark.parametrize("latent_size", [-1, 0, 187, 1600])
def test_no_bottleneck_is_refused_in_words(latent_size: int) -> None:
    words = rf"latent_size={latent_size} must be at least 1 and smaller than the window of 187 .* model.latent_size=16"
    with pytest.raises(ValueError, match=words):
        check_bottleneck(latent_size, 187)
