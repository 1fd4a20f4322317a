"""The segmenter, the upscaler and the denoiser that ship."""

from __future__ import annotations

import pytest

from media_processing.engines.base import Denoiser, Segmenter, Upscaler
from media_processing.engines.classical import GrabCutSegmenter, LanczosUpscaler, NonLocalMeansDenoiser
from tests.contracts.denoiser import DenoiserContract
from tests.contracts.segmenter import SegmenterContract
from tests.contracts.upscaler import UpscalerContract


class TestGrabCut(SegmenterContract):
    @pytest.fixture
    def segmenter(self) -> Segmenter:
        return GrabCutSegmenter()


class TestLanczos(UpscalerContract):
    @pytest.fixture
    def upscaler(self) -> Upscaler:
        return LanczosUpscaler()


class TestNonLocalMeans(DenoiserContract):
    @pytest.fixture
    def denoiser(self) -> Denoiser:
        return NonLocalMeansDenoiser()
