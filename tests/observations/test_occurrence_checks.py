from dataclasses import replace

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.errors import ConfigError, InputError
from birdsat.observations.occurrence_checks import check_occurrences, few_records, much_elsewhere
from birdsat.observations.occurrences import Occurrences, read_occurrences


def on_land(lon, lat):
    """A continent from 0 to 60 east and 0 to 40 north; sea everywhere else."""
    return (lon >= 0) & (lon <= 60) & (lat >= 0) & (lat <= 40)


def recorded(**places):
    """Occurrences from places by taxon."""
    taxa = tuple(sorted(places))
    label = np.repeat(np.arange(len(taxa), dtype=np.int32), [len(places[name]) for name in taxa])
    lon_lat = np.concatenate([np.array(places[name], dtype=np.float64).reshape(-1, 2) for name in taxa])
    return Occurrences(taxa=taxa, label=label, lon_lat=lon_lat, day=np.zeros(len(label), np.int32), rows=len(label))


def scattered(count, west, east, south, north, seed=0):
    random = np.random.default_rng(seed)
    return np.stack([random.uniform(west, east, count), random.uniform(south, north, count)], axis=1)


def test_good_records_pass_untouched_and_unremarked():
    good = recorded(tit=scattered(50, 1, 59, 1, 39))
    checked = check_occurrences(good, on_land=on_land, box=Box(0, 0, 60, 40))
    assert checked.occurrences.lon_lat.tolist() == good.lon_lat.tolist()
    assert (checked.notes, checked.occurrences.dropped) == ((), {})


def test_far_out_at_sea_a_land_bird_is_dropped_and_a_sea_bird_kept_whole():
    # 0.1 degrees from the coast is 11 km, 0.3 degrees 33 km.
    at_sea = [(-0.1, 20), (-0.3, 20), (-50, -20)]
    tit = [*scattered(40, 1, 59, 1, 39), *at_sea]
    petrel = [*scattered(10, 1, 59, 1, 39), *scattered(40, -170, -10, -60, -1)]
    checked = check_occurrences(recorded(tit=tit, petrel=petrel), on_land=on_land)
    assert checked.occurrences.counts.tolist() == [50, 41]
    assert checked.occurrences.dropped == {"at sea, over 20 km from land, of a taxon that lives on land": 2}
    assert check_occurrences(recorded(tit=tit), on_land=on_land, sea_km=5).occurrences.counts.tolist() == [40]
    assert check_occurrences(recorded(tit=tit), on_land=on_land, sea_km=50).occurrences.counts.tolist() == [42]
    assert check_occurrences(recorded(tit=tit), on_land=on_land, trust_places=True).occurrences.counts.tolist() == [43]


def test_the_distance_to_land_that_is_given_is_used():
    asked = []

    def near_land(lon, lat, km):
        asked.append((lon.tolist(), km))
        return np.ones(len(lon), dtype=bool)

    tit = [*scattered(40, 1, 59, 1, 39), (-50, -20)]
    checked = check_occurrences(recorded(tit=tit), on_land=on_land, near_land=near_land, sea_km=7)
    assert len(checked.occurrences) == 41
    assert asked == [([-50.0], 7)]


def test_nearness_to_land_is_right_over_the_antimeridian_and_close_to_a_pole():
    def far_islands(lon, lat):
        return ((np.abs(lon) > 179.95) & (np.abs(lat) < 1)) | ((lat > 89.5) & (lon > 0))

    tit = [*[(180, x / 100) for x in range(20)], (-179.9, 0), (-90, 89.9), (0, -80)]
    checked = check_occurrences(recorded(tit=tit), on_land=far_islands, sea_km=60)
    assert len(checked.occurrences) == 22
    assert [0, -80] not in checked.occurrences.lon_lat.tolist()


def test_longitude_and_latitude_exchanged_in_the_whole_table_is_an_error_with_figures():
    good = recorded(tit=scattered(200, 1, 59, 1, 39))
    exchanged = replace(good, lon_lat=good.lon_lat[:, ::-1])  # those above 40 east are then at sea
    assert np.count_nonzero(good.lon_lat[:, 0] > 40.5) > 30
    with pytest.raises(InputError, match=r"look swapped: of the records \(200\), \d+ lie far out at sea, and \d+ of"):
        check_occurrences(exchanged, on_land=on_land)
    assert len(check_occurrences(exchanged, on_land=on_land, trust_places=True).occurrences) == 200


def test_a_part_of_a_land_birds_records_exchanged_is_an_error_beside_sea_birds():
    tit = scattered(200, 1, 59, 1, 39)
    tit[::10] = tit[::10, ::-1]
    petrel = scattered(300, -170, -10, -60, -1)
    with pytest.raises(InputError, match="the records of taxa that live on land"):
        check_occurrences(recorded(tit=tit, petrel=petrel), on_land=on_land)


def test_sea_birds_alone_are_not_taken_for_exchanged():
    petrel = scattered(300, -80, 80, 42, 80)  # of these, exchanged, some lie on the continent
    assert np.count_nonzero(on_land(*petrel[:, ::-1].T)) > 10
    assert len(check_occurrences(recorded(petrel=petrel), on_land=on_land).occurrences) == 300


def test_latitudes_beyond_90_are_an_error_where_they_are_many_and_a_note_where_few(tmp_path):
    def table(slips, of):
        path = tmp_path / "t.csv"
        rows = [f"tit,{i % 50},{100 if i < slips else i % 40}" for i in range(of)]
        path.write_text("\n".join(["species,lon,lat", *rows]))
        return read_occurrences(path)

    with pytest.raises(InputError, match="4 of 200 rows have a latitude beyond 90"):
        check_occurrences(table(4, 200))
    checked = check_occurrences(table(1, 200))
    assert checked.notes == (
        "1 of 200 rows have a latitude beyond 90 that is in range as a longitude: dropped as slips.",
    )


def test_the_place_0_0_is_not_a_place():
    checked = check_occurrences(recorded(tit=[(0, 0), (0, 5), (5, 0), *scattered(10, 1, 59, 1, 39)]))
    assert checked.occurrences.dropped == {"place 0,0": 1}
    assert len(checked.occurrences) == 12


def test_records_outside_the_region_are_dropped_and_none_inside_is_an_error():
    tit = recorded(tit=[(179, 1), (-179, 2), (170, 3), (-178, 4)])
    checked = check_occurrences(tit, box=Box(175, 0, -175, 10))
    assert checked.occurrences.lon_lat[:, 0].tolist() == [179, -179, -178]
    assert checked.occurrences.dropped == {"outside the region": 1}
    with pytest.raises(
        InputError, match="none of 4 records lies in the region 0,0,10,10: they lie between -179 and 179"
    ):
        check_occurrences(tit, box=Box(0, 0, 10, 10))


def test_a_single_record_and_records_of_one_cell_are_errors_that_tell_them_apart():
    with pytest.raises(InputError, match="the single record of tit in one cell of"):
        check_occurrences(recorded(tit=[(9, 47)]))
    with pytest.raises(InputError, match="all 3 records of tit in one cell"):
        check_occurrences(recorded(tit=[(9.01, 47.01), (9.02, 47.02), (9.09, 47.09)]))
    with pytest.raises(
        InputError, match="all 2 records of tit, wren in one cell of 0\\.1 degrees, each taxon in its own"
    ):
        check_occurrences(recorded(tit=[(9, 47)], wren=[(10, 48)]))


def test_among_others_a_taxon_of_one_cell_is_left_out():
    checked = check_occurrences(
        recorded(tit=scattered(20, 1, 59, 1, 39), wren=[(9.01, 7.01), (9.02, 7.02)], owl=[(1, 1), (2, 2), (3, 3)])
    )
    assert checked.occurrences.taxa == ("owl", "tit")
    assert checked.occurrences.dropped == {"of a taxon with all its records in one cell": 2}
    assert checked.notes == ("1 taxon left out, with all records in one cell of 0.1 degrees or no record left: wren.",)


def test_taxa_of_few_records_are_named_with_how_many_there_are():
    thinned = recorded(tit=scattered(10, 1, 59, 1, 39), owl=[(1, 1), (2, 2), (3, 3)], wren=[(4, 4)])
    said = few_records(thinned)
    assert said == (
        "2 taxa with fewer than 10 records in different places or months, whose maps are uncertain: owl (3), wren (1)."
    )
    assert few_records(thinned, 3) == said.replace("2 taxa", "1 taxon").replace("10 records", "3 records").replace(
        "owl (3), ", ""
    )
    assert few_records(thinned.only_taxa(["tit"])) is None


def test_nothing_left_is_an_error_with_the_reasons():
    with pytest.raises(InputError, match=r"no record is left: place 0,0 \(2\)"):
        check_occurrences(recorded(tit=[(0, 0), (0, 0)]))


@pytest.mark.parametrize("setting", [{"cell_degrees": 0.0}, {"sea_km": -1.0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ConfigError):
        check_occurrences(recorded(tit=[(1, 1), (2, 2)]), **setting)


def test_records_of_a_virtual_world_pass_and_are_caught_when_exchanged():
    from birdsat.virtual.world import VirtualWorld

    world = VirtualWorld(3)
    rows = list(world.observations(400))
    taxa = tuple(sorted({row.taxon for row in rows}))
    real = Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(row.taxon) for row in rows], np.int32),
        lon_lat=np.array([(row.place.lon, row.place.lat) for row in rows]),
        day=np.array([row.date.toordinal() for row in rows], np.int32),
        rows=len(rows),
    )
    checked = check_occurrences(real, on_land=world.land)
    assert len(checked.occurrences) + checked.occurrences.dropped.get(
        "of a taxon with all its records in one cell", 0
    ) == len(rows)
    valid = real.where(np.abs(real.lon_lat[:, 0]) <= 90)
    with pytest.raises(InputError, match="look swapped"):
        check_occurrences(replace(valid, lon_lat=valid.lon_lat[:, ::-1]), on_land=world.land)


def test_a_fifth_of_the_records_elsewhere_are_slips_and_more_are_not() -> None:
    assert not much_elsewhere(2, 8) and much_elsewhere(3, 9) and not much_elsewhere(0, 5)
