-- A library of Calibre without books: the tables that calibre-web reads.
CREATE TABLE authors (
	id INTEGER NOT NULL, 
	name VARCHAR COLLATE NOCASE NOT NULL, 
	sort VARCHAR COLLATE NOCASE, 
	link VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
CREATE TABLE books (
	id INTEGER NOT NULL, 
	title VARCHAR COLLATE NOCASE NOT NULL, 
	sort VARCHAR COLLATE NOCASE, 
	author_sort VARCHAR COLLATE NOCASE, 
	timestamp TIMESTAMP, 
	pubdate TIMESTAMP, 
	series_index VARCHAR NOT NULL, 
	last_modified TIMESTAMP, 
	path VARCHAR NOT NULL, 
	has_cover INTEGER, 
	uuid VARCHAR, 
	PRIMARY KEY (id)
);
CREATE TABLE custom_columns (
	id INTEGER NOT NULL, 
	label VARCHAR, 
	name VARCHAR, 
	datatype VARCHAR, 
	mark_for_delete BOOLEAN, 
	editable BOOLEAN, 
	display VARCHAR, 
	is_multiple BOOLEAN, 
	normalized BOOLEAN, 
	PRIMARY KEY (id)
);
CREATE TABLE languages (
	id INTEGER NOT NULL, 
	lang_code VARCHAR COLLATE NOCASE NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (lang_code)
);
CREATE TABLE library_id (
	id INTEGER NOT NULL, 
	uuid VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE publishers (
	id INTEGER NOT NULL, 
	name VARCHAR COLLATE NOCASE NOT NULL, 
	sort VARCHAR COLLATE NOCASE, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
CREATE TABLE ratings (
	id INTEGER NOT NULL, 
	rating INTEGER CHECK (rating>-1 AND rating<11), 
	PRIMARY KEY (id), 
	UNIQUE (rating)
);
CREATE TABLE series (
	id INTEGER NOT NULL, 
	name VARCHAR COLLATE NOCASE NOT NULL, 
	sort VARCHAR COLLATE NOCASE, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
CREATE TABLE tags (
	id INTEGER NOT NULL, 
	name VARCHAR COLLATE NOCASE NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
CREATE TABLE books_authors_link (
	book INTEGER NOT NULL, 
	author INTEGER NOT NULL, 
	PRIMARY KEY (book, author), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(author) REFERENCES authors (id)
);
CREATE TABLE books_languages_link (
	book INTEGER NOT NULL, 
	lang_code INTEGER NOT NULL, 
	PRIMARY KEY (book, lang_code), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(lang_code) REFERENCES languages (id)
);
CREATE TABLE books_publishers_link (
	book INTEGER NOT NULL, 
	publisher INTEGER NOT NULL, 
	PRIMARY KEY (book, publisher), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(publisher) REFERENCES publishers (id)
);
CREATE TABLE books_ratings_link (
	book INTEGER NOT NULL, 
	rating INTEGER NOT NULL, 
	PRIMARY KEY (book, rating), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(rating) REFERENCES ratings (id)
);
CREATE TABLE books_series_link (
	book INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	PRIMARY KEY (book, series), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(series) REFERENCES series (id)
);
CREATE TABLE books_tags_link (
	book INTEGER NOT NULL, 
	tag INTEGER NOT NULL, 
	PRIMARY KEY (book, tag), 
	FOREIGN KEY(book) REFERENCES books (id), 
	FOREIGN KEY(tag) REFERENCES tags (id)
);
CREATE TABLE comments (
	id INTEGER NOT NULL, 
	book INTEGER NOT NULL, 
	text VARCHAR COLLATE NOCASE NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (book), 
	FOREIGN KEY(book) REFERENCES books (id)
);
CREATE TABLE identifiers (
	id INTEGER NOT NULL, 
	type VARCHAR COLLATE NOCASE NOT NULL, 
	val VARCHAR COLLATE NOCASE NOT NULL, 
	book INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(book) REFERENCES books (id)
);
CREATE TABLE metadata_dirtied (
	id INTEGER NOT NULL, 
	book INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (book), 
	FOREIGN KEY(book) REFERENCES books (id)
);
CREATE TABLE data (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, format TEXT NOT NULL, uncompressed_size INTEGER NOT NULL, name TEXT NOT NULL);
INSERT INTO library_id (uuid) VALUES ("5d2b7e0c-3a64-4f0e-9c1d-8b7a6f5e4d3c");
