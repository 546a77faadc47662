"""Names of months as dates write them."""

# English, German, French, Spanish, Portuguese, Italian, Dutch, Danish, Norwegian, Swedish; Polish, Czech, Finnish,
# Hungarian, Turkish, Catalan, Russian, Ukrainian; and Roman numbers. A word that is one month here and another there,
# as listopad, is left out.
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner janvier janv enero ene janeiro gennaio gen januari i "
            "stycznia styczeń ledna leden tammikuu tammikuuta január ocak gener января январь янв січня січень",
            "feb february februar févr fév février febrero fev fevereiro febbraio febr februari ii "
            "lutego luty února únor helmikuu helmikuuta február şubat febrer февраля февраль фев лютого лютий",
            "mar march mrz mär märz maerz mars marzo março maart mrt marts iii "
            "marca marzec března březen maaliskuu maaliskuuta március mart març марта март мар березня березень",
            "apr april avr avril abr abril aprile iv "
            "kwietnia kwiecień dubna duben huhtikuu huhtikuuta április nisan апреля апрель апр квітня квітень",
            "may mai mayo maio maggio mag mei maj v "
            "maja května květen toukokuu toukokuuta május mayıs maig мая май травня травень",
            "jun june juni juin junio junho giugno giu vi "
            "czerwca czerwiec června červen kesäkuu kesäkuuta június haziran juny июня июнь июн червня червень",
            "jul july juli juil juillet julio julho luglio lug vii "
            "lipca lipiec července červenec heinäkuu heinäkuuta július temmuz juliol июля июль июл липня липень",
            "aug august août aout agosto ago augustus augusti viii "
            "sierpnia sierpień srpna srpen elokuu elokuuta augusztus ağustos августа август авг серпня серпень",
            "sep sept september septembre septiembre setembro set settembre septembris ix "
            "września wrzesień září syyskuu syyskuuta szeptember eylül сентября сентябрь сен сент вересня вересень",
            "oct october oktober okt octobre octubre outubro out ottobre ott x "
            "października październik října říjen lokakuu lokakuuta október ekim octubre октября октябрь окт "
            "жовтня жовтень",
            "nov november novembre noviembre novembro xi marraskuu marraskuuta kasım ноября ноябрь ноя",
            "dec december dezember dez décembre déc decembre diciembre dic dezembro dicembre desember des xii "
            "grudnia grudzień prosince prosinec joulukuu joulukuuta aralık desembre декабря декабрь дек грудня грудень",
        ),
        start=1,
    )
    for name in names.split()
}
