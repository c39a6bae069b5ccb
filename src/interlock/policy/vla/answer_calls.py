"""What an answer costs, part by part, as calls that somebody else times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.decoder import ActionDecoder
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.euler_schedule import EulerSchedule
from interlock.policy.vla.layout import lay_out
from interlock.policy.vla.made_up import made_up_inputs
from interlock.policy.vla.model import QwenVla

__all__ = ["MANY", "AnswerCalls"]

MANY = 8
"""Samples of the larger answer."""


class AnswerCalls:
    """One model on one device, and calls that ask it the same question.

    On a CPU it packs the model's decoder (`ActionDecoder.pack`).
    A call has only been queued on an accelerator when it returns: `settle` waits for it.

    Args:
        model: on its device, in evaluation mode.
        words: tokens of the prompt.
        steps: Euler steps; None for the model's own.

    Attributes:
        device: where the model is.
        steps: Euler steps of a chunk.
    """

    def __init__(self, model: QwenVla, words: int, steps: int | None = None) -> None:
        self._model = model
        self.steps = model.config.flow.euler_steps if steps is None else steps
        self.device = next(model.parameters()).device
        self._inputs = made_up_inputs(model.config, 1, words, torch.Generator().manual_seed(0)).to(
            self.device
        )
        self._plain = model.decoder
        if self.device.type == "cpu":
            model.decoder.pack()  # as `LearnedModel` does
        self._schedule = EulerSchedule.of(model.decoder, self.steps)
        self._other = _with_other_attention(model.decoder, model.config)

    @staticmethod
    def cuda() -> str:
        """Name of the CUDA device there is, or ""."""
        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else ""

    @classmethod
    def on_cuda(cls, config: VlaConfig, words: int, steps: int) -> AnswerCalls:
        """Random weights in bfloat16 on the first CUDA device; they are never anywhere else."""
        return cls.drawn(config, words, steps, torch.device("cuda"), torch.bfloat16)

    @classmethod
    def drawn(
        cls, config: VlaConfig, words: int, steps: int, device: torch.device, dtype: torch.dtype
    ) -> AnswerCalls:
        """Random weights of a type on a device."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.device(device):
                model = QwenVla(config)
        finally:
            torch.set_default_dtype(before)
        return cls(model.eval().requires_grad_(False), words, steps)

    @property
    def modes(self) -> tuple[str, str]:
        """How the model attends, "cached" or "joint", and how the calls named "other" do."""
        return self._plain.shape.attention.value, self._other.shape.attention.value

    def settle(self) -> None:
        """Wait until the device has done what it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def forget_memory(self) -> None:
        """Count the most memory from here on."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def memory_gib(self) -> float | None:
        """Most memory of the accelerator since `forget_memory`, weights included, [GiB]; None on a CPU."""
        if self.device.type != "cuda":
            return None
        return float(torch.cuda.max_memory_allocated(self.device)) / 2**30

    def calls(self) -> Mapping[str, Callable[[], None]]:
        """The backbone alone; one chunk and many; the same with the other attention."""
        return {
            "backbone": self._backbone,
            "chunk": lambda: self._sample(1, self._plain),
            "chunks": lambda: self._sample(MANY, self._plain),
            "other_chunk": lambda: self._sample(1, self._other),
            "other_chunks": lambda: self._sample(MANY, self._other),
        }

    def compiled(self) -> Mapping[str, Callable[[], None]]:
        """One chunk in each mode with the decoder compiled; on a CUDA device each step is one CUDA graph."""
        mode = "reduce-overhead" if self.device.type == "cuda" else "default"
        return {
            f"compiled_{decoder.shape.attention.value}_chunk": self._compiled(decoder, mode)
            for decoder in (self._plain, self._other)
        }

    def _compiled(self, decoder: ActionDecoder, mode: str) -> Callable[[], None]:
        velocity = torch.compile(decoder.velocity, mode=mode)

        def call() -> None:
            decoder.velocity = velocity  # type: ignore[method-assign]
            try:
                self._sample(1, decoder)
            finally:
                del decoder.velocity

        return call

    @torch.inference_mode()
    def _backbone(self) -> None:
        inputs = self._inputs
        layout = lay_out(self._model.config, inputs.tokens, inputs.token_mask, inputs.camera_mask)
        self._model.backbone(layout, inputs.pictures)

    def _sample(self, samples: int, decoder: ActionDecoder) -> None:
        self._model.decoder = decoder
        try:
            generator = torch.Generator().manual_seed(0)
            self._model.sample(self._inputs, generator, samples=samples, steps=self._schedule)
        finally:
            self._model.decoder = self._plain


def _with_other_attention(decoder: ActionDecoder, config: VlaConfig) -> ActionDecoder:
    """The same weights, not copied, in the other mode."""
    cached = decoder.shape.attention is AttentionMode.CACHED
    shape = replace(decoder.shape, attention=AttentionMode.JOINT if cached else AttentionMode.CACHED)
    with torch.device("meta"):
        other = ActionDecoder(shape, channels=config.channels, hidden=config.backbone.text.hidden)
    other.load_state_dict(decoder.state_dict(), assign=True)
    other.eval().requires_grad_(False)
    return other
