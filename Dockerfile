# Web and worker in one image; docker-compose.yml starts both.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji tesseract-ocr \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 storyloom && mkdir /data && chown storyloom /data
WORKDIR /app

# The dependencies first: they change less often than the code.
COPY pyproject.toml README.md LICENSE ./
COPY manage.py ./
COPY creator creator
COPY search search
COPY generation generation
COPY media_processing media_processing
COPY moderation moderation
COPY templates templates
COPY static static
# With a bucket or a collector of spans, add the extras: .[postgres,s3,otel]
# c2pa's wheel also carries a Rust library for compilers, 31 MB, which nothing at run time opens.
RUN pip install --no-cache-dir --no-compile --editable .[postgres] \
    && rm /usr/local/lib/python3.11/site-packages/c2pa/libs/libc2pa_c.rlib

ENV STORYLOOM_DATA=/data STORYLOOM_BIND=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
USER storyloom
RUN STORYLOOM_DATA=/tmp/build python manage.py collectstatic --noinput
CMD ["python", "manage.py", "web"]
