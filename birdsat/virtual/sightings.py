"""Who is seen where and when: inside the true ranges, and more often where people live."""

import calendar
import datetime

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, Place, unit_sphere
from birdsat.virtual.cities import Cities
from birdsat.virtual.planet import Planet
from birdsat.virtual.species import VirtualSpecies
from birdsat.virtual.survey import LandSurvey

CITY_SHARE = 0.6  # of the sightings are made near a city, where a species' range has one
_FIRST_YEAR, _YEARS = 2015, 9
_CITY_REACH_KM = 30.0  # scatter round the city of sightings made near one
_ELSEWHERE_KM = 75.0  # scatter round a survey point of the others: about half the points' spacing
_ID_DEGREES = 5  # decimals kept of longitude and latitude, about a metre

Sighting = tuple[VirtualSpecies, Place, datetime.date]


class Sightings:
    """Draws sightings of a planet's species."""

    def __init__(self, species: tuple[VirtualSpecies, ...], planet: Planet, survey: LandSurvey, cities: Cities) -> None:
        self._species = species
        self._planet = planet
        self._survey = survey
        self._cities = cities
        self._city_land = planet.survey(cities.points)
        abundance = np.array([each.abundance for each in species])
        self._odds = abundance / abundance.sum()
        self._known: dict[tuple[int, int], tuple[NDArray[np.intp], NDArray[np.intp]]] = {}

    def draw(self, random: np.random.Generator, count: int) -> list[Sighting]:
        """`count` sightings; each lies within the true range of its species in the month of its date."""
        birds = random.choice(len(self._species), size=count, p=self._odds)
        months = random.integers(1, 13, size=count)
        near_city = random.random(count) < CITY_SHARE
        lon, lat = np.zeros(count), np.zeros(count)
        rows = np.arange(count)
        while len(rows):
            starts = [self._start(random, int(birds[row]), int(months[row]), near_city[row]) for row in rows]
            points, reach_km = np.array([start[0] for start in starts]), np.array([start[1] for start in starts])
            points += random.normal(size=points.shape) * (reach_km / EARTH_RADIUS_KM)[:, None]
            points /= np.linalg.norm(points, axis=-1, keepdims=True)
            lon[rows] = np.degrees(np.arctan2(points[:, 1], points[:, 0])).round(_ID_DEGREES)
            lat[rows] = np.degrees(np.arcsin(points[:, 2])).round(_ID_DEGREES)
            rows = rows[~self._at_home(lon[rows], lat[rows], birds[rows], months[rows])]
        return [
            (self._species[birds[row]], Place(float(lon[row]), float(lat[row])), _day(random, int(months[row])))
            for row in range(count)
        ]

    def _start(
        self, random: np.random.Generator, bird: int, month: int, near_city: bool
    ) -> tuple[NDArray[np.float64], float]:
        """A city or a survey point inside the range, and how far from it to scatter, km."""
        towns, wilds = self._candidates(bird, month)
        if near_city and len(towns):
            size = self._cities.size[towns]
            return self._cities.points[random.choice(towns, p=size / size.sum())], _CITY_REACH_KM
        return self._survey.points[random.choice(wilds)], _ELSEWHERE_KM

    def _candidates(self, bird: int, month: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Indices of the cities and of the survey points inside a range."""
        if (bird, month) not in self._known:
            lived_in = self._species[bird].range.contains
            self._known[bird, month] = (
                np.flatnonzero(lived_in(self._cities.points, self._city_land, month)),
                np.flatnonzero(lived_in(self._survey.points, self._survey.land, month)),
            )
        return self._known[bird, month]

    def _at_home(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        birds: NDArray[np.intp],
        months: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        points = unit_sphere(lon, lat)
        land = self._planet.survey(points)
        inside = np.zeros(len(points), dtype=bool)
        for bird, month in {(int(bird), int(month)) for bird, month in zip(birds, months, strict=True)}:
            rows = (birds == bird) & (months == month)
            inside[rows] = self._species[bird].range.contains(points, land, month)[rows]
        return inside


def _day(random: np.random.Generator, month: int) -> datetime.date:
    """A day of a month, in one of some years."""
    year = _FIRST_YEAR + int(random.integers(_YEARS))
    return datetime.date(year, month, 1 + int(random.integers(calendar.monthrange(year, month)[1])))
