import pytest
import torch

from birdsat.encoders.convolution import TokenGrid
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoder, PixelDecoderConfig
from birdsat.encoders.sizes import decoder_of, encoder_of
from birdsat.encoders.tokens import draw_visible
from birdsat.encoders.view_encoder import ViewEncoder, ViewEncoderConfig
from birdsat.errors import ConfigError


def tiny(*views: View) -> ViewEncoder:
    torch.manual_seed(0)
    return ViewEncoder(ViewEncoderConfig(views=views, width=32, depth=2, heads=4)).eval()


@pytest.mark.parametrize(("px", "patch_px"), [(32, 8), (48, 16), (30, 6)])
def test_any_image_and_patch_size_gives_one_token_a_patch_and_the_class_token(px: int, patch_px: int) -> None:
    tokens = tiny(View(px=px, patch_px=patch_px))([torch.rand(2, 3, px, px)])
    assert tokens.shape == (2, 1 + (px // patch_px) ** 2, 32)


def test_two_views_of_different_sizes_share_one_sequence() -> None:
    encoder = tiny(View(px=32, patch_px=8), View(px=24, patch_px=12))
    assert encoder([torch.rand(2, 3, 32, 32), torch.rand(2, 3, 24, 24)]).shape == (2, 1 + 16 + 4, 32)


def test_shuffling_the_patches_changes_the_embedding() -> None:
    encoder = tiny(View(px=32, patch_px=8))
    image = torch.rand(1, 3, 32, 32)
    upside_down = image.view(1, 3, 4, 8, 32).flip(2).reshape(1, 3, 32, 32)  # the same patches in other places
    assert not torch.allclose(encoder([image]).mean(1), encoder([upside_down]).mean(1), atol=1e-3)


def test_a_hidden_patch_has_no_influence() -> None:
    encoder = tiny(View(px=32, patch_px=8))
    visible = torch.arange(1, 16)[None]
    image = torch.rand(1, 3, 32, 32)
    changed = image.clone()
    changed[:, :, :8, :8] = 0.0
    assert torch.equal(encoder([image], [visible]), encoder([changed], [visible]))
    assert not torch.equal(encoder([image]), encoder([changed]))


def test_all_patches_visible_is_the_same_as_no_hiding() -> None:
    encoder = tiny(View(px=32, patch_px=8))
    image = torch.rand(2, 3, 32, 32)
    everything = draw_visible(2, 16, 0.0, torch.Generator())
    assert torch.equal(encoder([image], [everything]), encoder([image]))


def test_an_image_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(ConfigError, match=r"40, 40.*32 px"):
        tiny(View(px=32, patch_px=8))([torch.rand(1, 3, 40, 40)])


def test_a_patch_that_does_not_divide_the_image_is_refused() -> None:
    with pytest.raises(ConfigError, match="divide"):
        View(px=30, patch_px=8)


def test_the_base_size_is_vit_b() -> None:
    with torch.device("meta"):
        encoder = ViewEncoder(encoder_of("base", px=224, patch_px=16))
        large = ViewEncoder(encoder_of("large", px=224, patch_px=16))
    assert sum(p.numel() for p in encoder.blocks.parameters()) == 12 * 7_087_872  # 12 d^2 + 13 d, d = 768
    assert sum(p.numel() for p in large.blocks.parameters()) == 24 * 12_596_224


def test_the_decoder_predicts_every_patch_and_depends_on_where_the_visible_ones_lie() -> None:
    torch.manual_seed(0)
    view = View(px=32, patch_px=8)
    decoder = PixelDecoder(PixelDecoderConfig(width=16, depth=1, heads=2), from_width=32, views=[view])
    summary, tokens = torch.rand(1, 1, 32), torch.rand(1, 3, 32)
    [here] = decoder(summary, [tokens], [torch.tensor([[0, 1, 2]])])
    [there] = decoder(summary, [tokens], [torch.tensor([[5, 6, 7]])])
    assert here.shape == (1, 16, 192)
    assert not torch.allclose(here, there)
    assert not torch.allclose(here[0, 10], here[0, 11])  # two hidden patches get different predictions


def test_decoders_exist_for_all_sizes() -> None:
    assert decoder_of("base") == PixelDecoderConfig(width=512, depth=8, heads=16)


def test_the_decoder_tells_two_views_apart() -> None:
    torch.manual_seed(0)
    views = [View(px=32, patch_px=8), View(px=32, patch_px=8)]
    decoder = PixelDecoder(PixelDecoderConfig(width=16, depth=1, heads=2), from_width=32, views=views)
    decoder.pixels[1].load_state_dict(decoder.pixels[0].state_dict())
    torch.nn.init.normal_(decoder.view_tokens)
    visible = [torch.tensor([[0, 1]]), torch.tensor([[0, 1]])]
    one, other = decoder(torch.rand(1, 1, 32), [torch.ones(1, 2, 32)] * 2, visible)
    assert not torch.allclose(one, other)


def vitae(**settings: object) -> ViewEncoder:
    torch.manual_seed(0)
    config = ViewEncoderConfig(views=(View(px=32, patch_px=8),), width=32, depth=2, heads=4, block="vitae", **settings)
    return ViewEncoder(config).eval()


def test_vitae_blocks_mix_neighbours_by_place_whatever_is_hidden() -> None:
    encoder = vitae()
    image = torch.rand(1, 3, 32, 32)
    everything = torch.arange(16)[None]
    assert torch.allclose(encoder([image], [everything]), encoder([image]), atol=1e-5)
    order = torch.randperm(16)[None]
    shuffled = encoder([image], [order])
    assert torch.allclose(
        shuffled[:, 1:], encoder([image])[:, 1:].gather(1, order[..., None].expand(1, 16, 32)), atol=1e-5
    )


def test_packed_convolutions_see_the_visible_patches_as_a_square_in_their_order() -> None:
    encoder = vitae(convolve="packed")
    image = torch.rand(1, 3, 32, 32)
    visible = torch.tensor([[1, 4, 7, 9]])
    assert not torch.allclose(encoder([image], [visible])[:, 0], encoder([image], [visible.flip(1)])[:, 0], atol=1e-6)
    with pytest.raises(ConfigError, match="square"):
        encoder([image], [visible[:, :3]])


def test_the_convolutions_of_a_whole_image_are_those_of_torch_on_the_image() -> None:
    encoder = vitae()
    branch = encoder.blocks[0].convolution
    tokens = torch.rand(2, 16, 32)
    square = tokens.transpose(1, 2).view(2, 32, 4, 4)
    norm = torch.nn.functional.batch_norm(
        branch.widen(square), branch.norm.running_mean, branch.norm.running_var, branch.norm.weight, branch.norm.bias
    )
    wanted = branch.narrow(torch.nn.functional.silu(norm)).flatten(2).transpose(1, 2)
    assert torch.allclose(branch(tokens, TokenGrid(side=4, visible=None)), wanted, atol=1e-5)


def test_vitae_over_two_views_is_refused() -> None:
    with pytest.raises(ConfigError, match="one view"):
        ViewEncoderConfig(views=(View(px=32, patch_px=8),) * 2, width=32, block="vitae", heads=4)


def test_blocks_are_skipped_by_the_draw_in_training_only() -> None:
    torch.manual_seed(0)
    encoder = ViewEncoder(
        ViewEncoderConfig(views=(View(px=32, patch_px=8),), width=32, depth=3, heads=4, drop_path=0.5)
    )
    image = torch.rand(4, 3, 32, 32)

    def features(seed: int) -> torch.Tensor:
        return encoder.features([image], generator=torch.Generator().manual_seed(seed))

    assert torch.equal(features(0), features(0))
    assert not torch.equal(features(0), features(1))
    encoder.eval()
    assert torch.equal(features(0), features(1))


def test_a_view_can_be_left_out() -> None:
    encoder = tiny(View(px=32, patch_px=8), View(px=24, patch_px=12))
    assert encoder([None, torch.rand(2, 3, 24, 24)]).shape == (2, 1 + 4, 32)
    assert encoder([torch.rand(2, 3, 32, 32), None], [torch.tensor([[0, 3]] * 2), None]).shape == (2, 1 + 2, 32)


@pytest.mark.parametrize("setting", [{"heads": 5}, {"width": 0}, {"depth": 0}, {"width": 18, "heads": 2}])
def test_an_impossible_decoder_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="multiple of 4 and of the heads"):
        PixelDecoderConfig(**{"width": 64, "depth": 1, "heads": 4} | setting)
