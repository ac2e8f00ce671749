"""What makes an autoencoder more than a copy."""


def check_bottleneck(latent_size: int, n_inputs: int) -> None:
    """Refuse a latent vector through which a window could pass as it is.

    Args:
        latent_size: numbers in the middle.
        n_inputs: samples of the window, all leads together.

    Raises:
        ValueError: the latent vector is empty, or not smaller than the window.
    """
    if not 1 <= latent_size < n_inputs:
        raise ValueError(
            f"latent_size={latent_size} must be at least 1 and smaller than the window of {n_inputs} samples, or there "
            f"is nothing to encode: choose model.latent_size=16, or with pretraining set pretrain.latent_size=32"
        )
