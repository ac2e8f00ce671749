# Runs the demo on a CPU:  docker build -t ecg_lightning . && docker run --rm ecg_lightning
# Keep what it leaves with  docker run --rm -v "$PWD/outputs:/ecg_lightning/outputs" ecg_lightning
# Serves a bundle (docs/serving.md):  docker build --target serve -t ecg_serve .
FROM python:3.11-slim AS installed

RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /ecg_lightning
ENV PIP_NO_CACHE_DIR=1 MPLBACKEND=Agg

# Address of PyTorch's CPU build; without it the image grows by the CUDA build
ARG TORCH_INDEX=""
COPY . .
RUN make setup TORCH_INDEX="${TORCH_INDEX}"

# The bundle is mounted at /model. 0.0.0.0 is that of the container: publish its port on 127.0.0.1 of the host
FROM installed AS serve
RUN useradd --no-create-home --shell /usr/sbin/nologin serve
USER serve
EXPOSE 8000
ENTRYPOINT [".venv/bin/python", "-m", "ecg_lightning.serve", "/model", "--host", "0.0.0.0"]

FROM installed AS demo
CMD ["make", "demo"]
