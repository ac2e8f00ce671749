"""Say where in an ECG a network looks, whether that is physiology, and whether the explanation can be trusted."""
