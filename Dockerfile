# Runs the demo on a CPU:  docker build -t ecg_lightning . && docker run --rm ecg_lightning
# Keep what it leaves with  docker run --rm -v "$PWD/outputs:/ecg_lightning/outputs" ecg_lightning
FROM python:3.11-slim

RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /ecg_lightning
ENV PIP_NO_CACHE_DIR=1 MPLBACKEND=Agg

# Address of PyTorch's CPU build; without it the image grows by the CUDA build
ARG TORCH_INDEX=""
COPY . .
RUN make setup TORCH_INDEX="${TORCH_INDEX}"
CMD ["make", "demo"]
