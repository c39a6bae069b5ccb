"""Byte-level BPE, trained on the sentences that a policy will read."""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from interlock.errors import CheckpointError, GoalError
from interlock.policy.vla.config import VlaConfig

__all__ = ["VlaTokenizer", "special_tokens"]


def special_tokens(config: VlaConfig) -> dict[str, int]:
    """Text and id of every special token of a model."""
    ids = config.backbone.tokens
    named = {
        "<|pad|>": ids.pad,
        "<|image|>": ids.image,
        "<|video|>": ids.video,
        "<|vision_start|>": ids.vision_start,
        "<|vision_end|>": ids.vision_end,
    }
    for index, role in enumerate(config.cameras):
        named[f"<|{role}_start|>"] = ids.cameras[2 * index]
        named[f"<|{role}_end|>"] = ids.cameras[2 * index + 1]
    return named


class VlaTokenizer:
    """Text to token ids.

    Args:
        inner: the tokenizer.
        config: the model it is for.

    Raises:
        CheckpointError: if vocabulary or special tokens are not the model's.
    """

    def __init__(self, inner: tokenizers.Tokenizer, config: VlaConfig) -> None:
        self._inner = inner
        self._limit = config.max_text_tokens
        self._vocab = config.backbone.text.vocab
        self._check(special_tokens(config))

    @classmethod
    def train(cls, sentences: Iterable[str], config: VlaConfig) -> VlaTokenizer:
        """Learn merges; the same sentences in any order give the same tokenizer.

        The model's special tokens must have the lowest ids. What the sentences leave of the vocabulary is
        filled with unused tokens, so that its size is the model's exactly.
        """
        specials = sorted(special_tokens(config), key=lambda text: special_tokens(config)[text])
        inner = tokenizers.Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=config.backbone.text.vocab,
            min_frequency=1,
            special_tokens=specials,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        inner.train_from_iterator(sorted(sentences), trainer)
        missing = config.backbone.text.vocab - inner.get_vocab_size()
        inner.add_special_tokens([f"<|unused_{index}|>" for index in range(missing)])
        return cls(inner, config)

    @classmethod
    def from_json(cls, text: str, config: VlaConfig) -> VlaTokenizer:
        """From the contents of tokenizer.json.

        Raises:
            CheckpointError: if it cannot be read or is not the model's.
        """
        try:
            inner = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # `tokenizers` raises bare Exception for a file it cannot parse
            raise CheckpointError(
                f"cannot be read as a tokenizer: {error}",
                field="tokenizer.json",
                mend="Take the tokenizer.json that the weights were trained with.",
            ) from None
        return cls(inner, config)

    def to_json(self) -> str:
        """Contents of tokenizer.json."""
        text: str = self._inner.to_str()
        return text

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of a prompt.

        Raises:
            GoalError: if it is longer than the model reads.
        """
        ids = self._inner.encode(text, add_special_tokens=False).ids
        if len(ids) > self._limit:
            raise GoalError(
                f"the prompt is longer than the {self._limit} tokens that this policy reads",
                field="instruction",
                value=f"{len(ids)} tokens",
                mend="Say it in fewer or more common words.",
            )
        return tuple(ids)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids, special tokens left out."""
        text: str = self._inner.decode(list(ids), skip_special_tokens=True)
        return text

    def _check(self, specials: dict[str, int]) -> None:
        size = self._inner.get_vocab_size()
        if size != self._vocab:
            raise CheckpointError(
                f"has another vocabulary than the model's {self._vocab} tokens",
                field="tokenizer.json",
                value=size,
                mend="Take the tokenizer.json that the weights were trained with.",
            )
        for text, wanted in specials.items():
            found = self._inner.token_to_id(text)
            if found != wanted:
                raise CheckpointError(
                    f"special token {text} must have id {wanted}",
                    field="tokenizer.json",
                    value=found,
                    mend="Take the tokenizer.json that the weights were trained with.",
                )
